/**
 * Goal: a program cut to its segments runs as before; sections and libraries are found by name.
 * Method: the running Node.js itself, and hand-made objects cut and spoiled at every place.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { elfSection, neededLibraries, segmentsOnly } from "../../../initramfs/elf.ts";
import { blankLanguages } from "../../../initramfs/icu.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import { makeObject, makeProgram } from "./fixtures.ts";
import { testFolder } from "../../rig/folder.ts";

test("segmentsOnly() and blankLanguages() make a smaller Node.js that computes the same", () => {
  const folder = testFolder();
  const small = join(folder, "node");
  const program = blankLanguages(segmentsOnly(readFileSync(process.execPath))).program;
  writeFileSync(small, program, { mode: 0o755 });
  expect(statSync(small).size).toBeLessThan(statSync(process.execPath).size);
  const work = `
    const crypto = require("node:crypto"), zlib = require("node:zlib");
    const text = "huck ".repeat(1000);
    const zstd = zlib.zstdDecompressSync(zlib.zstdCompressSync(text)).toString() === text;
    console.log(process.version, zstd, crypto.createHash("sha256").update(text).digest("hex"),
      (12345.6).toLocaleString(), new Date(0).toLocaleString("en-US", { timeZone: "UTC" }),
      "z\\u00e4".normalize("NFD").length,
      ["b", "\\u00e4", "a"].sort(Intl.Collator("en").compare));
  `;
  const [full, cut] = [process.execPath, small].map((nodejs) =>
    spawnSync(nodejs, ["-e", work], { encoding: "utf8" }),
  );
  expect(cut?.status).toBe(0);
  expect(cut?.stdout).toBe(full?.stdout);
  const foreign = `console.log(new Intl.NumberFormat("de").format(1234.5))`;
  expect(spawnSync(small, ["-e", foreign], { encoding: "utf8" }).stdout).toBe("1,234.5\n");
});

test("segmentsOnly() drops the bytes behind the last segment, and changes only the header", () => {
  const program = makeProgram(["libc.so.6"], Buffer.from("content"), Buffer.alloc(100, 0xaa));
  const original = Buffer.from(program);
  const cut = segmentsOnly(program);
  expect(program).toEqual(original);
  expect(cut.length).toBe(program.length - 100);
  expect(Buffer.from(cut.subarray(64))).toEqual(program.subarray(64, cut.length));
  expect(elfSection(cut, ".text")).toBeUndefined();
  expect(neededLibraries(cut)).toEqual(["libc.so.6"]);
  expect(Buffer.from(segmentsOnly(cut))).toEqual(Buffer.from(cut));
});

test("segmentsOnly() refuses a kernel module, which has no segments", () => {
  expect(() => segmentsOnly(makeObject({}))).toThrow(/no segments/);
});

test("elfSection() finds content by exact name", () => {
  const file = makeObject({ ".modinfo2": Buffer.from("no"), ".modinfo": Buffer.from("yes") });
  expect(Buffer.from(elfSection(file, ".modinfo") ?? []).toString()).toBe("yes");
  expect(elfSection(file, ".mod")).toBeUndefined();
});

test("neededLibraries() lists names in order, and none for a static program", () => {
  expect(neededLibraries(makeProgram(["liba.so.1", "libb.so"]))).toEqual(["liba.so.1", "libb.so"]);
  expect(neededLibraries(makeProgram([]))).toEqual([]);
});

test("elfSection(), neededLibraries() and segmentsOnly() refuse files cut at any byte", () => {
  const object = makeObject({ ".modinfo": Buffer.from("name=x") });
  for (let end = 0; end < object.length; end++) {
    expect(() => elfSection(object.subarray(0, end), ".modinfo"), `${end}`).toThrow(FormatError);
  }
  const program = makeProgram(["libc.so.6"], Buffer.from("content"));
  for (let end = 0; end < program.length; end++) {
    expect(() => neededLibraries(program.subarray(0, end)), `${end}`).toThrow(FormatError);
    expect(() => segmentsOnly(program.subarray(0, end)), `${end}`).toThrow(FormatError);
  }
});

test("elfSection() refuses other byte orders, word sizes and no ELF at all", () => {
  const object = makeObject({});
  const spoil = (at: number, value: number): Buffer => {
    const copy = Buffer.from(object);
    copy.writeUInt8(value, at);
    return copy;
  };
  expect(() => elfSection(spoil(0, 0), "x")).toThrow(/no ELF magic/);
  expect(() => elfSection(spoil(4, 1), "x")).toThrow(/class and byte order/);
  expect(() => elfSection(spoil(5, 2), "x")).toThrow(/class and byte order/);
});
