/**
 * Goal: each rule of ours finds what it is for and leaves good files alone.
 * Method: small trees in memory, one broken thing at a time.
 */
import { describe, expect, test } from "vitest";
import {
  bigFiles,
  headerComments,
  links,
  lockFile,
  namedFiles,
  openEnds,
  promises,
  rules,
  sizes,
  unitTests,
  wireVectors,
} from "../../../scripts/tidy-rules.ts";
import type { Finding, Tree } from "../../../scripts/source-tree.ts";

function tree(files: Readonly<Record<string, string>>): Tree {
  const texts = new Map(Object.entries(files));
  return { texts, sizes: new Map([...texts].map(([path, text]) => [path, text.length])) };
}

function places(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ path, line, rule }) => `${path}:${line}: ${rule}`);
}

const good = `/** Adds. */\nexport function add(a: number): number {\n  return a + 1;\n}\n`;

test("rules find nothing in a good tree", () => {
  const files = tree({
    "shared/core/add.ts": good,
    "test/unit/shared/core/add.test.ts": "/** Goal: add. */\n",
    "GLOSSARY.md": "| say | meaning | after | do not say |\n| add | to sum | | |\n",
    "README.md": "[code](shared/core/add.ts) and [folder](shared/core/), [web](https://a.b/c)\n",
  });
  expect(rules.flatMap((rule) => rule(files))).toEqual([]);
});

describe("headerComments()", () => {
  test("finds a file that opens with code, and accepts an interpreter line", () => {
    const files = tree({
      "a/b.ts": "const a = 1;\n",
      "a/c.ts": "#!/usr/bin/env node\n/** C. */\n",
    });
    expect(places(headerComments(files))).toEqual(["a/b.ts:1: header"]);
  });
  test("leaves generated wasm modules alone", () => {
    expect(headerComments(tree({ "shared/fec/rs-wasm.ts": "export const a = 1;\n" }))).toEqual([]);
  });
});

describe("sizes()", () => {
  test("accepts 400 lines of 100 columns and refuses one more of either", () => {
    const edge = `${"x".repeat(100)}\n`.repeat(400);
    expect(sizes(tree({ "a.ts": edge }))).toEqual([]);
    expect(places(sizes(tree({ "a.ts": `${edge}y\n` })))).toEqual(["a.ts:401: file-length"]);
    expect(places(sizes(tree({ "a.ts": `\n${"x".repeat(101)}\n` })))).toEqual([
      "a.ts:2: line-length",
    ]);
  });
});

test.each(["TO" + "DO", "FIX" + "ME", "X".repeat(3)])("openEnds() finds %s", (word) => {
  expect(places(openEnds(tree({ "a.ts": `/** A. */\n// ${word}: later\n` })))).toEqual([
    "a.ts:2: open-end",
  ]);
});

describe("unitTests()", () => {
  test("asks for a test of a file with logic", () => {
    expect(places(unitTests(tree({ "shared/core/add.ts": good })))).toEqual([
      "shared/core/add.ts:1: unit-test",
    ]);
  });
  test("is content with another test of the same folder that imports the file", () => {
    const test = (folder: string): Record<string, string> => ({
      "shared/core/add.ts": good,
      [`test/unit/shared/${folder}/all.test.ts`]:
        'import { add } from "../../../../shared/core/add.ts";',
    });
    expect(unitTests(tree(test("core")))).toEqual([]);
    expect(places(unitTests(tree(test("wire"))))).toEqual(["shared/core/add.ts:1: unit-test"]);
  });
  test.each([
    ["shared/a/types.ts", "export interface A { add(a: number): number }\nexport type B = A;\n"],
    ["shared/a/constants.ts", "export const MAX: number = 1 << 20;\n"],
    ["shared/a/fn-type.ts", "export type F = (a: number) => number;\n"],
    ["shared/session/sender/sender-loop.io.ts", good],
    ["shared/linux/socket.io.ts", good],
    ["scripts/program.ts", "function f(): void {}\nf();\n"],
  ])("asks for none of %s", (path, text) => {
    expect(unitTests(tree({ [path]: text }))).toEqual([]);
  });
});

test("wireVectors() asks for a vector per message type of WIRE.md", () => {
  const table =
    "| type | name | use |\n| --- | --- | --- |\n| 1 | DATA | a |\n| 0x02 | `NACK` | b |\n";
  const files = tree({ "shared/wire/WIRE.md": table, "test/vectors/wire/data.txt": "00" });
  expect(places(wireVectors(files))).toEqual(["shared/wire/WIRE.md:4: golden-vector"]);
});

test("promises() asks for a test's name and a kept fault per promise", () => {
  const table = "| id | promise |\n| --- | --- |\n| P1 | one |\n| P2 | two |\n";
  const files = {
    "ARCHITECTURE.md": table,
    "test/unit/a.test.ts":
      'test("P2 P3: both", () => undefined);\nbreaks("P1", "no head of a name");\n',
    "test/mutants/a.patch": "Plants: a\nPromise: P2\nTest: unit a\n",
  };
  const found = promises(tree(files));
  expect(places(found)).toEqual(["ARCHITECTURE.md:3: promise", "ARCHITECTURE.md:3: promise"]);
});

test("links() finds a dead relative link and resolves from the document's folder", () => {
  const files = tree({ "docs/a.md": "[up](../b.md)\n[dead](b.md#x) [self](#here)\n", "b.md": "" });
  expect(places(links(files))).toEqual(["docs/a.md:2: link"]);
});

test("namedFiles() finds files that ARCHITECTURE.md or the Makefile name and that are gone", () => {
  const files = tree({
    "ARCHITECTURE.md": "| `shared/disk/gpt.ts`, `shared/disk/old.ts` | `shared/disk/` |\n",
    Makefile: "demo: ## shows it\n\tnode scripts/demo.ts --fast\n",
    "shared/disk/gpt.ts": "",
  });
  expect(places(namedFiles(files))).toEqual([
    "ARCHITECTURE.md:1: named-file",
    "Makefile:2: named-file",
  ]);
});

test("bigFiles() refuses more than 1 MiB", () => {
  const sized = (size: number): Tree => ({ texts: new Map(), sizes: new Map([["a.bin", size]]) });
  expect(bigFiles(sized(1 << 20))).toEqual([]);
  expect(places(bigFiles(sized((1 << 20) + 1)))).toEqual(["a.bin:1: big-file"]);
});

test("lockFile() refuses a lock file without an entry for another platform's package", () => {
  const entries = {
    "": {},
    "node_modules/a": { optionalDependencies: { "a-linux-x64": "1.0.0" } },
  };
  const lacking = tree({ "package-lock.json": JSON.stringify({ packages: entries }) });
  expect(places(lockFile(lacking))).toEqual(["package-lock.json:1: lock-file"]);
  const complete = { ...entries, "node_modules/a-linux-x64": { version: "1.0.0" } };
  expect(lockFile(tree({ "package-lock.json": JSON.stringify({ packages: complete }) }))).toEqual(
    [],
  );
});
