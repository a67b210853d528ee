/** Goal: a small file of somebody else's can neither stop nor fill us. Method: odd files. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readTextFile } from "../../../../shared/linux/text-file.io.ts";
import { fileFolder } from "../../../rig/folder.ts";

const folder = fileFolder();
const at = (name: string): string => join(folder, name);

test("readTextFile() reads a file of exactly as many bytes as it may", () => {
  writeFileSync(at("text"), "größer");
  expect(readTextFile(at("text"), 8)).toBe("größer");
  expect(() => readTextFile(at("text"), 7)).toThrow(/more than 7 bytes/);
});

test("readTextFile() refuses a FIFO, a folder and a device at once", () => {
  execFileSync("mkfifo", [at("fifo")]);
  mkdirSync(at("folder"));
  symlinkSync("/dev/zero", at("zero"));
  for (const name of ["fifo", "folder", "zero"]) {
    expect(() => readTextFile(at(name), 100)).toThrow(/no regular file/);
  }
});
