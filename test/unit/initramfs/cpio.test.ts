/**
 * Goal: the kernel and `cpio` unpack what writeCpio() writes, and equal trees give equal bytes.
 * Method: a golden archive spelled out by hand from the format's description, and the real cpio.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { writeCpio } from "../../../initramfs/cpio.ts";
import type { CpioEntry } from "../../../initramfs/cpio.ts";
import { testFolder } from "../../rig/folder.ts";

const tree: readonly CpioEntry[] = [
  { kind: "file", path: "init", bytes: Buffer.from("run me"), mode: 0o755 },
  { kind: "symlink", path: "lib64/loader", target: "/lib/loader" },
  { kind: "directory", path: "proc" },
  { kind: "file", path: "a/b/c", bytes: Buffer.from([1, 2, 3, 4]) },
];

/** Fields: inode mode uid gid links mtime size devmajor devminor rdevmajor rdevminor name check. */
function record(fields: readonly number[], name: string, content: string): string {
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  const head = `${text}${name}\0`;
  const pad = (part: string): string => part + "\0".repeat(-part.length & 3);
  return pad(head) + pad(content);
}

test("writeCpio() writes the golden archive of a file in a folder and a device", () => {
  const golden = [
    record([1, 0o040755, 0, 0, 2, 0, 0, 0, 0, 0, 0, 4, 0], "dev", ""),
    record([2, 0o020600, 0, 0, 1, 0, 0, 0, 0, 5, 1, 12, 0], "dev/console", ""),
    record([3, 0o100755, 0, 0, 1, 0, 6, 0, 0, 0, 0, 5, 0], "init", "run me"),
    record([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0], "TRAILER!!!", ""),
  ].join("");
  const written = writeCpio([
    { kind: "file", path: "init", bytes: Buffer.from("run me"), mode: 0o755 },
    { kind: "device", path: "dev/console", major: 5, minor: 1 },
  ]);
  expect(Buffer.from(written).toString("latin1")).toBe(golden.padEnd(512, "\0").slice(0, 1024));
  expect(written.length % 512).toBe(0);
});

test("writeCpio() writes what the real cpio unpacks", ({ skip }) => {
  if (spawnSync("cpio", ["--version"]).status !== 0) skip();
  const folder = testFolder();
  const run = spawnSync("cpio", ["-idm", "--quiet"], { cwd: folder, input: writeCpio(tree) });
  expect([run.status, run.stderr.toString()]).toEqual([0, ""]);
  expect(readFileSync(join(folder, "init"), "utf8")).toBe("run me");
  expect(statSync(join(folder, "init")).mode & 0o7777).toBe(0o755);
  expect(statSync(join(folder, "init")).mtimeMs).toBe(0);
  expect(readlinkSync(join(folder, "lib64/loader"))).toBe("/lib/loader");
  expect([...readFileSync(join(folder, "a/b/c"))]).toEqual([1, 2, 3, 4]);
  expect(readdirSync(folder).sort()).toEqual(["a", "init", "lib64", "proc"]);
});

test("writeCpio() gives the same bytes when entries come in another order", () => {
  const expected = writeCpio(tree);
  const shuffled = fc.shuffledSubarray([...tree], { minLength: tree.length });
  fc.assert(fc.property(shuffled, (entries) => Buffer.from(writeCpio(entries)).equals(expected)));
});

test("writeCpio() throws when a path is absolute, empty, dotted with a slash end, or twice", () => {
  const file = (path: string): CpioEntry => ({ kind: "file", path, bytes: Buffer.alloc(0) });
  for (const path of ["", "/init", "a//b", "a/"]) {
    expect(() => writeCpio([file(path)])).toThrow(RangeError);
  }
  expect(() => writeCpio([file("a"), file("a")])).toThrow(/given twice/);
});
