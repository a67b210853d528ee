/**
 * Our own rules, which no public linter knows, as functions from file texts to findings.
 *
 * A rule sees the whole tree as a map from path to text and returns findings, each with its place
 * and cure; tidy.ts reads the tree and prints. The rules on exported names are in name-rules.ts.
 * Type-aware rules are eslint's, layers are .dependency-cruiser.cjs's, dead code is knip's.
 */
import { posix } from "node:path";
import type { LockFile } from "./lock-entries.ts";
import { missingOptional } from "./lock-entries.ts";
import { sharedNames, vocabulary } from "./name-rules.ts";
import { factsOf, finding, isCompiled, isSource, textsOf } from "./source-tree.ts";
import type { Finding, Rule, Tree } from "./source-tree.ts";

const linesMax = 400;
const columnsMax = 100;
const fileBytesMax = 1 << 20;
/** Lines that may be longer: the path of an import cannot be wrapped. */
const importPath = /^(import|[}]) .*from "[^"]+";$/;

/** Documents that name files outside of links and imports: document -> pattern of a file name. */
const filesNamedBy: Readonly<Record<string, RegExp>> = {
  "ARCHITECTURE.md": /`((?:shared|server|receiver)\/[^`]*[.](?:ts|md))`/g,
  Makefile: /\bnode (\S+[.]ts)/g,
};

/** Files that touch the world; test/interop and test/e2e run them against the real system. */
const ioOwner =
  /\.io\.ts$|^(scripts|initramfs)\/.*(main|driver)\.ts$|^test\/rig\/.*(process|vm|make)\.ts$/;

/** Every source file opens with a comment that says what it is. */
export function headerComments(tree: Tree): readonly Finding[] {
  return textsOf(tree, isSource)
    .filter(([, text]) => !/^(#!.*\n)?\/\*\*/.test(text))
    .map(([path]) => finding(path, 1, "header", "open with a comment that says what the file is"));
}

/** Files are short enough to read in one go, lines short enough for two windows side by side. */
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

/** Refuses notes of unfinished work. */
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
 * imported by another test of that folder. Programs export nothing and are tested by running them.
 */
export function unitTests(tree: Tree): readonly Finding[] {
  return textsOf(tree, isCompiled).flatMap(([path, text]) => {
    if (path.startsWith("test/") || !path.includes("/") || ioOwner.test(path)) return [];
    const facts = factsOf(path, text);
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
 * and a kept fault of test/mutants breaks it.
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

/** Refuses big files: they make every clone slow for ever. */
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
  sharedNames,
  vocabulary,
  wireVectors,
  promises,
  links,
  namedFiles,
  bigFiles,
  lockFile,
];
