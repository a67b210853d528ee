/**
 * The rules of ours that no public linter knows, as functions from file texts to findings.
 *
 * The idea: a rule sees the whole tree as a map from path to text and returns findings, each with
 * the place and the cure; tidy.ts reads the tree and prints. Type-aware rules are eslint's, layers
 * are .dependency-cruiser.cjs's, dead code is knip's; nothing here repeats them.
 */
import { posix } from "node:path";
import ts from "typescript";
import type { LockFile } from "./lock-entries.ts";
import { missingOptional } from "./lock-entries.ts";

/** One broken rule at one place. */
export interface Finding {
  readonly path: string;
  /** From 1; 1 when the rule is about the whole file. */
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

const linesMax = 400;
const columnsMax = 100;
const fileBytesMax = 1 << 20;
/** A path cannot be wrapped. */
const importPath = /^(import|[}]) .*from "[^"]+";$/;

/** Words of GLOSSARY.md that are wrong in any exported name, and what to say instead. */
const bannedWords: Readonly<Record<string, string>> = {
  packet: "datagram or message",
  machine: "node",
  client: "node, receiver or operator",
  hash: "digest",
  deploy: "load",
  flash: "load",
  clone: "save or load",
  dump: "save",
  snapshot: "image",
  ndz: "image",
  nak: "nack",
};

/** Where another vocabulary rules: [path, words allowed there]. */
const otherVocabularies: readonly (readonly [RegExp, readonly string[]])[] = [
  // DHCP, PXE and TFTP have packets, clients and NAKs; wanted states reach them as a snapshot.
  [/^(server|test\/[^/]+\/server)\/boot\//, ["packet", "client", "nak", "snapshot", "machine"]],
  [/^server\/enter\//, ["snapshot"]],
  // AF_PACKET is the kernel's name.
  [/^shared\/linux\//, ["packet"]],
  [/^(test|scripts)\//, ["packet", "client", "machine", "snapshot"]],
];

/** Where files are named outside of links and imports: document -> pattern of a file name. */
const filesNamedBy: Readonly<Record<string, RegExp>> = {
  "ARCHITECTURE.md": /`((?:shared|server|receiver)\/[^`]*[.](?:ts|md))`/g,
  Makefile: /\bnode (\S+[.]ts)/g,
};

/** What touches the world; test/interop and test/e2e run it against the real system. */
const ioOwner =
  /\.io\.ts$|^(scripts|initramfs)\/.*(main|driver)\.ts$|^test\/rig\/.*(process|vm|make)\.ts$/;

function isSource(path: string): boolean {
  return /\.ts$/.test(path) && !/-wasm\.ts$/.test(path);
}

function isCompiled(path: string): boolean {
  return isSource(path) && !/\.(as|d)\.ts$/.test(path);
}

/** Every source file opens with a comment that says what it is and the idea needed to read it. */
export function headerComments(tree: Tree): readonly Finding[] {
  return textsOf(tree, isSource)
    .filter(([, text]) => !/^(#!.*\n)?\/\*\*/.test(text))
    .map(([path]) =>
      finding(path, 1, "header", "open with /** what it is, the idea to read it, its source */"),
    );
}

/** Files stay short enough to read in one go, lines short enough for two windows. */
export function sizes(tree: Tree): readonly Finding[] {
  return textsOf(tree, isSource).flatMap(([path, text]) => {
    const lines = text.replace(/\n$/, "").split("\n");
    const long = lines.flatMap((line, index) =>
      Array.from(line).length > columnsMax && !importPath.test(line)
        ? [finding(path, index + 1, "line-length", `wrap at ${columnsMax} columns`)]
        : [],
    );
    if (lines.length <= linesMax) return long;
    const cure = `${lines.length} lines: split at a seam, at most ${linesMax}`;
    return [...long, finding(path, linesMax + 1, "file-length", cure)];
  });
}

/** No open ends: what is not done is not in the tree. */
export function openEnds(tree: Tree): readonly Finding[] {
  const open = /\b(TOD[O]|FIXM[E]|XX[X])\b/;
  return textsOf(tree, isSource).flatMap(([path, text]) =>
    text
      .split("\n")
      .flatMap((line, index) =>
        open.test(line) ? [finding(path, index + 1, "open-end", "finish it or file it")] : [],
      ),
  );
}

/**
 * Every file with logic that exports something has a test at the same path under test/unit, or is
 * imported by another test of that folder. Programs, which export nothing, are proven by running.
 */
export function unitTests(tree: Tree): readonly Finding[] {
  return textsOf(tree, isCompiled).flatMap(([path, text]) => {
    if (path.startsWith("test/") || !path.includes("/") || ioOwner.test(path)) return [];
    const facts = readFacts(path, text);
    if (!facts.hasLogic || facts.exported.length === 0 || isTested(tree, path)) return [];
    return [finding(path, 1, "unit-test", `write test/unit/${path.replace(/\.ts$/, ".test.ts")}`)];
  });
}

function isTested(tree: Tree, path: string): boolean {
  const folder = `test/unit/${posix.dirname(path)}`;
  if (tree.sizes.has(`${folder}/${posix.basename(path, ".ts")}.test.ts`)) return true;
  const imported = `from "${posix.relative(folder, path)}"`;
  return textsOf(tree, (test) => posix.dirname(test) === folder && test.endsWith(".test.ts")).some(
    ([, text]) => text.includes(imported),
  );
}

/** Exported names speak the glossary. */
export function vocabulary(tree: Tree): readonly Finding[] {
  return textsOf(tree, isCompiled).flatMap(([path, text]) => {
    const elsewhere = otherVocabularies.find(([place]) => place.test(path))?.[1] ?? [];
    return readFacts(path, text).exported.flatMap(({ name, line }) =>
      wordsOf(name)
        .filter((word) => !elsewhere.includes(word))
        .flatMap((word) => {
          const say = bannedWords[word];
          if (say === undefined) return [];
          const cure = `"${name}" says ${word}: say ${say} (GLOSSARY.md)`;
          return [finding(path, line, "glossary", cure)];
        }),
    );
  });
}

/** Every message type that WIRE.md's table of message types names has a golden vector. */
export function wireVectors(tree: Tree): readonly Finding[] {
  const path = "shared/wire/WIRE.md";
  const row = /^\|\s*`?(?:0x)?[0-9a-fA-F]{1,2}`?\s*\|\s*`?([A-Z][A-Z_-]+)`?\s*\|/;
  return (tree.texts.get(path) ?? "").split("\n").flatMap((line, index) => {
    const name = row.exec(line)?.[1]?.toLowerCase().replaceAll("_", "-");
    const vector = `test/vectors/wire/${name ?? ""}.txt`;
    if (name === undefined || tree.sizes.has(vector)) return [];
    return [finding(path, index + 1, "golden-vector", `add ${vector}`)];
  });
}

/**
 * Every promise of ARCHITECTURE.md stands at the head of a test's name ("P8: ...", "P2 P8: ..."),
 * and a kept fault of test/mutants breaks it. A promise that no test names is a wish.
 */
export function promises(tree: Tree): readonly Finding[] {
  const tests = textsOf(tree, (path) => path.startsWith("test/") && path.endsWith(".ts"));
  const heads = tests.flatMap(([, text]) => [...text.matchAll(/["'`]((?:P\d+ )*P\d+): /g)]);
  const tested = new Set(heads.flatMap((match) => (match[1] ?? "").split(" ")));
  const patches = textsOf(tree, (path) => path.startsWith("test/mutants/"));
  const planted = new Set(patches.map(([, text]) => /^Promise: (P\d+)$/m.exec(text)?.[1]));
  const path = "ARCHITECTURE.md";
  return (tree.texts.get(path) ?? "").split("\n").flatMap((line, index) => {
    const id = /^[|] (P\d+) [|]/.exec(line)?.[1];
    if (id === undefined) return [];
    const lacks = tested.has(id) ? [] : [`name a test that can fail "${id}: ..."`];
    if (!planted.has(id)) lacks.push(`keep a patch in test/mutants that breaks ${id}`);
    return lacks.map((cure) => finding(path, index + 1, "promise", cure));
  });
}

/** Relative links in documents lead somewhere. */
export function links(tree: Tree): readonly Finding[] {
  const folders = new Set<string>();
  for (const path of tree.sizes.keys()) {
    for (let at = posix.dirname(path); at !== "."; at = posix.dirname(at)) folders.add(at);
  }
  return textsOf(tree, (path) => path.endsWith(".md")).flatMap(([path, text]) =>
    text.split("\n").flatMap((line, index) =>
      [...line.matchAll(/\]\(([^)\s#]+)(#[^)]*)?\)/g)]
        .map((match) => match[1] ?? "")
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => {
          const place = posix.join(posix.dirname(path), target).replace(/\/$/, "");
          return !tree.sizes.has(place) && !folders.has(place);
        })
        .map((target) => finding(path, index + 1, "link", `"${target}" is not there: mend it`)),
    ),
  );
}

/** ARCHITECTURE.md's walks and the Makefile's targets name files that are there. */
export function namedFiles(tree: Tree): readonly Finding[] {
  return Object.entries(filesNamedBy).flatMap(([path, pattern]) =>
    (tree.texts.get(path) ?? "").split("\n").flatMap((line, index) =>
      [...line.matchAll(pattern)]
        .map((match) => match[1] ?? "")
        .filter((file) => !tree.sizes.has(file))
        .map((file) => finding(path, index + 1, "named-file", `"${file}" is not there: mend it`)),
    ),
  );
}

/** Big files make every clone slow for ever. */
export function bigFiles(tree: Tree): readonly Finding[] {
  return [...tree.sizes]
    .filter(([, size]) => size > fileBytesMax)
    .map(([path, size]) =>
      finding(path, 1, "big-file", `${size} bytes: build it, or keep it under ${fileBytesMax}`),
    );
}

/** `npm ci` refuses a lock file that lacks the optional packages of other platforms. */
export function lockFile(tree: Tree): readonly Finding[] {
  const path = "package-lock.json";
  const text = tree.texts.get(path);
  if (text === undefined) return [];
  const missing = missingOptional(JSON.parse(text) as LockFile).map(({ name }) => name);
  if (missing.length === 0) return [];
  const cure = `lacks ${missing.join(", ")}: run node scripts/lock.ts`;
  return [finding(path, 1, "lock-file", cure)];
}

/** All rules, in the order they are reported. */
export const rules: readonly Rule[] = [
  headerComments,
  sizes,
  openEnds,
  unitTests,
  vocabulary,
  wireVectors,
  promises,
  links,
  namedFiles,
  bigFiles,
  lockFile,
];

interface Facts {
  /** True when the file has a function, a class or a call: something a test could break. */
  readonly hasLogic: boolean;
  readonly exported: readonly { readonly name: string; readonly line: number }[];
}

function readFacts(path: string, text: string): Facts {
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

/** "DhcpPackets" -> dhcp, packet; "MAX_NAK_COUNT" -> max, nak, count. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/siphash/i, "") // the name of an algorithm
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .split(/[\s_]+/)
    .map((word) => word.toLowerCase())
    .map((word) => [word, word.replace(/s$/, ""), word.replace(/es$/, "")])
    .map((forms) => forms.find((form) => bannedWords[form] !== undefined) ?? forms[0] ?? "");
}

function textsOf(tree: Tree, wanted: (path: string) => boolean): readonly [string, string][] {
  return [...tree.texts].filter(([path]) => wanted(path));
}

function finding(path: string, line: number, rule: string, cure: string): Finding {
  return { path, line, rule, cure };
}
