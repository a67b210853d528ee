/**
 * Goal: a package's content is read as `tar` reads it; nothing outside the archive can be named.
 * Method: archives written by hand and by the real tar (GNU and pax forms), damage at every byte.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readTar } from "../../../initramfs/tar.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import { makeTar } from "./fixtures.ts";
import { testFolder } from "../../rig/folder.ts";

const hello = Buffer.from("hello");

test("readTar() gives kind, path, mode, target and content of each entry", () => {
  const entries = readTar(
    makeTar([
      { path: "./", type: "5" },
      { path: "./usr/bin/x", bytes: hello },
      { path: "./usr/bin/y", type: "2", target: "x" },
      { path: "./usr/bin/z", type: "1", target: "./usr/bin/x" },
    ]),
  );
  expect(entries.map(({ kind, path, target }) => [kind, path, target])).toEqual([
    ["directory", "", ""],
    ["file", "usr/bin/x", ""],
    ["symlink", "usr/bin/y", "x"],
    ["hardlink", "usr/bin/z", "./usr/bin/x"],
  ]);
  expect(Buffer.from(entries[1]?.bytes ?? [])).toEqual(hello);
  expect(entries[1]?.mode).toBe(0o755);
});

for (const format of ["gnu", "posix", "ustar"]) {
  test(`readTar() agrees with the real tar when its format is ${format}`, () => {
    const folder = testFolder();
    const long = format === "ustar" ? "d".repeat(90) : "d".repeat(150);
    mkdirSync(join(folder, long));
    writeFileSync(join(folder, long, "file"), hello, { mode: 0o640 });
    symlinkSync(`${long}/file`, join(folder, "link"));
    const run = spawnSync("tar", ["-c", `--format=${format}`, long, "link"], { cwd: folder });
    const entries = readTar(run.stdout);
    expect(entries.map(({ path }) => path)).toEqual([long, `${long}/file`, "link"]);
    expect(Buffer.from(entries[1]?.bytes ?? [])).toEqual(hello);
    expect(entries[1]?.mode).toBe(0o640);
    expect(entries[2]?.target).toBe(`${long}/file`);
  });
}

test("readTar() refuses the archive when content is cut, and never reads past its end", () => {
  const archive = makeTar([
    { path: "a", bytes: hello },
    { path: "b", bytes: hello },
  ]);
  for (let end = 512; end < 512 + hello.length; end++) {
    expect(() => readTar(archive.subarray(0, end))).toThrow(FormatError);
  }
  expect(readTar(archive.subarray(0, 1024)).map(({ path }) => path)).toEqual(["a"]);
  expect(readTar(archive.subarray(0, 0))).toEqual([]);
});

test("readTar() refuses a header when any one of its bits is flipped", () => {
  const archive = makeTar([{ path: "a", bytes: hello }]);
  for (let at = 0; at < 512; at++) {
    if (at >= 148 && at < 156) continue; // the checksum's own text has more than one spelling
    const copy = Buffer.from(archive);
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
    expect(() => readTar(copy), `byte ${at}`).toThrow(/checksum/);
  }
});

test("readTar() refuses paths that leave the archive, and devices", () => {
  expect(() => readTar(makeTar([{ path: "./../etc/passwd" }]))).toThrow(/without ".."/);
  expect(() => readTar(makeTar([{ path: "dev/sda", type: "4" }]))).toThrow(/type "4"/);
});
