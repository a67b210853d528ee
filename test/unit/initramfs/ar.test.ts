/**
 * Goal: a package's outer container is read as `ar` reads it, and damage is named, never guessed.
 * Method: archives written by hand (and by the real ar where there is one), cut at every byte.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAr } from "../../../initramfs/ar.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import { makeAr } from "./fixtures.ts";
import { testFolder } from "../../rig/folder.ts";

const odd = Buffer.from("odd");
const even = Buffer.from("even");

test("readAr() lists members in order when contents are of odd and even size", () => {
  const members = readAr(
    makeAr([
      ["one", odd],
      ["two.tar.xz/", even],
      ["three", Buffer.alloc(0)],
    ]),
  );
  expect(members.map(({ name }) => name)).toEqual(["one", "two.tar.xz", "three"]);
  expect(members.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(["odd", "even", ""]);
});

test("readAr() agrees with the real ar when binutils is installed", ({ skip }) => {
  if (spawnSync("ar", ["--version"]).status !== 0) skip();
  const folder = testFolder();
  writeFileSync(join(folder, "a"), odd);
  writeFileSync(join(folder, "b"), even);
  expect(spawnSync("ar", ["qcS", "x.ar", "a", "b"], { cwd: folder }).status).toBe(0);
  const members = readAr(readFileSync(join(folder, "x.ar")));
  expect(members.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(Buffer.from(members[0]?.bytes ?? [])).toEqual(odd);
});

test("readAr() refuses or gives fewer members when the archive is cut at any byte", () => {
  const archive = makeAr([
    ["one", even],
    ["two", even],
  ]);
  const boundaries = new Set([8, 8 + 64]);
  for (let end = 0; end < archive.length; end++) {
    const cut = archive.subarray(0, end);
    if (boundaries.has(end)) expect(readAr(cut).length).toBeLessThan(2);
    else expect(() => readAr(cut), `cut at ${end}`).toThrow(FormatError);
  }
});

test("readAr() refuses a header when its size, name or end mark is wrong", () => {
  const archive = makeAr([["one", even]]);
  const spoil = (at: number, text: string): Buffer => {
    const copy = Buffer.from(archive);
    copy.write(text, at);
    return copy;
  };
  expect(() => readAr(spoil(0, "!<thin>"))).toThrow(/bytes 0-7/);
  expect(() => readAr(spoil(8, "a/b"))).toThrow(/plain short name/);
  expect(() => readAr(spoil(8 + 48, "-4"))).toThrow(/decimal number/);
  expect(() => readAr(spoil(8 + 48, "5"))).toThrow(/ends at 73, file has 72 bytes/);
  expect(() => readAr(spoil(8 + 58, "xx"))).toThrow(/does not end/);
});
