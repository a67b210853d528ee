/**
 * The tree that tidy's rules look at, and two facts of a source file: whether it has logic, and
 * which names it exports.
 */
import ts from "typescript";

/** One broken rule at one place. */
export interface Finding {
  readonly path: string;
  /** Counted from 1; 1 if the rule is about the whole file. */
  readonly line: number;
  readonly rule: string;
  /** What is wrong and what to do about it. */
  readonly cure: string;
}

/** Every file of the project. */
export interface Tree {
  /** Path from the root, with "/" -> text; only files that are text and not too big. */
  readonly texts: ReadonlyMap<string, string>;
  /** Path -> size in bytes; every file. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** A rule reports all its findings in the tree. */
export type Rule = (tree: Tree) => readonly Finding[];

/** True for sources that are not generated. */
export function isSource(path: string): boolean {
  return /\.ts$/.test(path) && !/-wasm\.ts$/.test(path);
}

/** True for sources that run as they are, without a compiler. */
export function isCompiled(path: string): boolean {
  return isSource(path) && !/\.(as|d)\.ts$/.test(path);
}

/** The files that are wanted, with their texts. */
export function textsOf(
  tree: Tree,
  wanted: (path: string) => boolean,
): readonly [string, string][] {
  return [...tree.texts].filter(([path]) => wanted(path));
}

/** Makes a finding. */
export function finding(path: string, line: number, rule: string, cure: string): Finding {
  return { path, line, rule, cure };
}

/** What a source file holds. */
export interface Facts {
  /** True if the file has a function, a class or a call, so that a test of it could fail. */
  readonly hasLogic: boolean;
  readonly exported: readonly { readonly name: string; readonly line: number }[];
}

/** Reads a source file. */
export function factsOf(path: string, text: string): Facts {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  let hasLogic = false;
  const look = (node: ts.Node): void => {
    if (hasLogic || ts.isTypeNode(node) || ts.isInterfaceDeclaration(node)) return;
    const isFunction = ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
    hasLogic = isFunction || ts.isCallExpression(node) || ts.isNewExpression(node);
    ts.forEachChild(node, look);
  };
  look(file);
  const exported = file.statements.flatMap((statement) =>
    exportedNames(statement).map((name) => ({
      name: name.text,
      line: file.getLineAndCharacterOfPosition(name.getStart()).line + 1,
    })),
  );
  return { hasLogic, exported };
}

function exportedNames(statement: ts.Statement): readonly ts.Identifier[] {
  const isExported =
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some((m) => m.kind === ts.SyntaxKind.ExportKeyword);
  if (!isExported) return [];
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((d) => d.name).filter(ts.isIdentifier);
  }
  const { name } = statement as ts.DeclarationStatement;
  return name !== undefined && ts.isIdentifier(name) ? [name] : [];
}
