/** Goal: a file is told from every other one and from itself after a write. Method: real files. */
import {
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fileIdentityOf } from "../../../../shared/core/file-identity.ts";

const folder = mkdtempSync(join(tmpdir(), "huck-identity-"));
const path = (name: string): string => join(folder, name);
const identity = (name: string): string => fileIdentityOf(statSync(path(name), { bigint: true }));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("fileIdentityOf() stays over rename and link, not over a write", () => {
  writeFileSync(path("a"), "1234");
  writeFileSync(path("b"), "1234");
  utimesSync(path("a"), 1, 1);
  utimesSync(path("b"), 1, 1);
  const first = identity("a");
  expect(identity("b")).not.toBe(first);
  linkSync(path("a"), path("linked"));
  renameSync(path("a"), path("renamed"));
  expect([identity("linked"), identity("renamed")]).toEqual([first, first]);
  writeFileSync(path("linked"), "5678");
  expect(identity("renamed")).not.toBe(first);
});

test("fileIdentityOf() tells devices, sizes and nanoseconds apart", () => {
  const facts = { dev: 1n, ino: 2n, size: 3n, mtimeNs: 4n };
  const all = [
    facts,
    { ...facts, dev: 12n, ino: 2n },
    { ...facts, size: 34n },
    { ...facts, mtimeNs: 5n },
    { ...facts, ino: 3n },
  ];
  expect(new Set(all.map(fileIdentityOf)).size).toBe(all.length);
});
