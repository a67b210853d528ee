/**
 * Goal: names that would mislead a reader are found, and no others.
 *
 * Method: small trees with a glossary and a list of plain words.
 */
import { describe, expect, test } from "vitest";
import { sharedNames, vocabulary } from "../../../scripts/name-rules.ts";
import { factsOf } from "../../../scripts/source-tree.ts";
import type { Finding, Tree } from "../../../scripts/source-tree.ts";

const GLOSSARY = `# Glossary

| say | meaning (unit) | after | do not say |
| --- | --- | --- | --- |
| node | a computer we image | | **machine**, **client**, host |
| datagram, message | UDP payload | NORM | **packet** |
| NACK | a request for repair | RFC 5740 | **NAK** |
| sector, \`Lba\` | smallest unit of a disk | UEFI 5.3 | block |
`;

function tree(texts: Record<string, string>, plain = "a\ncount\nread\nreason\n"): Tree {
  const all = { "GLOSSARY.md": GLOSSARY, "scripts/plain-words.txt": plain, ...texts };
  return { texts: new Map(Object.entries(all)), sizes: new Map() };
}

function places(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ path, line, rule }) => `${path}:${line}: ${rule}`);
}

describe("vocabulary()", () => {
  test.each([
    "export function readPacket(): void {}",
    "export const CLIENT_COUNT = 1;",
    "export class Machines {}",
    "export type NAKReason = 1;",
  ])("refuses bold words of the glossary's last column: %s", (text) => {
    const findings = vocabulary(tree({ "shared/wire/a.ts": text }));
    expect(places(findings)).toEqual(["shared/wire/a.ts:1: glossary"]);
    expect(findings[0]?.cure).toMatch(/say (node|datagram, message|NACK) \(GLOSSARY\.md\)$/);
  });

  test("knows the words of the first column, plain words, and the plurals of both", () => {
    const names = ["readNodes", "NACK_COUNTS", "LbaSector", "messageReason"];
    const text = names.map((name) => `export const ${name} = 1;\n`).join("");
    expect(vocabulary(tree({ "server/jobs/a.ts": text }))).toEqual([]);
  });

  test("finds words that are in neither list, and says what to do", () => {
    const text = "\nexport function readSeat(): void {}\nconst grounds = 1;\n";
    const findings = vocabulary(tree({ "server/jobs/a.ts": text, "test/rig/a.ts": text }));
    expect(places(findings)).toEqual(["server/jobs/a.ts:2: unknown-word"]);
    expect(findings[0]?.cure).toContain('"readSeat" says seat: take a word of GLOSSARY.md');
  });

  test("lets DHCP have packets, and names that only contain a refused word pass", () => {
    const files = tree({
      "server/boot/dhcp/a.ts": "export class NodePacket {}\n",
      "test/rig/packets.ts": "export const unpacked = 1;\n",
      "shared/wire/a.ts": "const packet = 1;\nexport type SipHashNack = 1;\n",
    });
    expect(vocabulary(files)).toEqual([]);
  });

  test("keeps each section of the plain words sorted", () => {
    const sorted = "b\nc\n# more\na\n";
    expect(vocabulary(tree({}, sorted))).toEqual([]);
    expect(places(vocabulary(tree({}, "b\na\n")))).toEqual([
      "scripts/plain-words.txt:2: plain-words",
    ]);
  });
});

test("sharedNames() finds a name that two files of the product export, not one of tests", () => {
  const text = "export class Node {}\nexport type Node = 1;\n";
  const files = tree({ "shared/a.ts": text, "server/b.ts": text, "test/rig/c.ts": text });
  expect(places(sharedNames(files))).toEqual([
    "server/b.ts:1: name-twice",
    "server/b.ts:2: name-twice",
  ]);
});

test("factsOf() tells exported names with their lines, and whether there is logic", () => {
  const text = "export type A = 1;\nexport const b: number = 2, c = 3;\nconst d = 4;\n";
  expect(factsOf("a.ts", text)).toEqual({
    hasLogic: false,
    exported: [
      { name: "A", line: 1 },
      { name: "b", line: 2 },
      { name: "c", line: 2 },
    ],
  });
  expect(factsOf("a.ts", "export const f = (): number => 1;\n").hasLogic).toBe(true);
});
