/**
 * Goal: only foreign languages are blanked, nothing moves, and an unknown layout is refused.
 * Method: hand-made ICU data inside other bytes; that Node.js still runs is shown in elf.test.ts.
 */
import { expect, test } from "vitest";
import { blankLanguages } from "../../../initramfs/icu.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import { makeIcu } from "./fixtures.ts";

const kept = ["curr/en.res", "curr/en_001.res", "root.res", "res_index.res", "zoneinfo64.res"];
const foreign = ["curr/de.res", "curr/sr_Latn_RS.res", "kok.res"];
const before = Buffer.from("program text, and then data");

test("blankLanguages() sets foreign locales to zero and leaves every other byte", () => {
  const names = [...kept, ...foreign, "zz-last"].map((name) => `icudt78l/${name}`);
  const data = makeIcu(names);
  const program = Buffer.concat([before, data]);
  const result = blankLanguages(program);
  expect([result.itemCount, result.blankedBytes]).toEqual([3, 96]);
  const blanked = Buffer.from(result.program);
  const itemsAt = program.length - 32 * names.length;
  const start = itemsAt + 32 * kept.length;
  expect(blanked.subarray(0, start)).toEqual(program.subarray(0, start));
  expect(blanked.subarray(start, start + 96)).toEqual(Buffer.alloc(96));
  expect(blanked.subarray(start + 96)).toEqual(program.subarray(start + 96));
});

test("blankLanguages() refuses a program with no data, two, or other items", () => {
  expect(() => blankLanguages(before)).toThrow(/0 data archives/);
  const data = makeIcu(["x/de.res", "x/zz.res"]);
  expect(() => blankLanguages(Buffer.concat([data, data]))).toThrow(/2 data archives/);
  const spoiled = Buffer.from(data);
  spoiled.write("Coll", data.indexOf("ResB"));
  expect(() => blankLanguages(spoiled)).toThrow(/no resource header/);
});

test("blankLanguages() refuses data whose table points outside, or is cut", () => {
  const data = makeIcu(["x/de.res", "x/fr.res", "x/zz.res"]);
  const spoiled = Buffer.from(data);
  spoiled.writeUInt32LE(0xffffff, 32 + 4 + 8 + 4);
  expect(() => blankLanguages(spoiled)).toThrow(/no extent/);
  const many = Buffer.from(data);
  many.writeUInt32LE(0xffffffff, 32);
  expect(() => blankLanguages(many)).toThrow(/at most/);
  for (let end = 16; end < data.length - 2 * 32; end++) {
    expect(() => blankLanguages(data.subarray(0, end)), `${end}`).toThrow(FormatError);
  }
});
