/**
 * Goal: no field is ever read short or past its end. Method: golden layouts, every truncation,
 * round trip by property.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../../../shared/core/bytes.ts";
import { FormatError } from "../../../../shared/core/errors.ts";

const LAYOUT_BYTES = 1 + 2 + 4 + 8 + 2 + 4 + 8;

function writeLayout(value: bigint): Uint8Array {
  const bytes = new Uint8Array(LAYOUT_BYTES);
  const low = Number(value & 0xffffffffn);
  new ByteWriter(bytes)
    .u8(low & 0xff)
    .u16be(low & 0xffff)
    .u32be(low)
    .u64be(value)
    .u16le(low & 0xffff)
    .u32le(low)
    .u64le(value);
  return bytes;
}

function readLayout(bytes: Uint8Array): (number | bigint)[] {
  const reader = new ByteReader(bytes, "test layout");
  return [
    reader.u8(),
    reader.u16be(),
    reader.u32be(),
    reader.u64be(),
    reader.u16le(),
    reader.u32le(),
    reader.u64le(),
  ];
}

test("ByteReader reads what ByteWriter wrote, in both byte orders", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
      const low = Number(value & 0xffffffffn);
      const wanted = [low & 0xff, low & 0xffff, low, value, low & 0xffff, low, value];
      expect(readLayout(writeLayout(value))).toEqual(wanted);
    }),
  );
});

test("ByteReader puts big-endian and little-endian bytes where the layouts say", () => {
  const bytes = Uint8Array.from([0x12, 0x34, 0x56, 0x78]);
  expect(new ByteReader(bytes, "x").u32be()).toBe(0x12345678);
  expect(new ByteReader(bytes, "x").u32le()).toBe(0x78563412);
});

test("ByteReader throws truncated at every length that is too short", () => {
  const whole = writeLayout(0x0102030405060708n);
  for (let length = 0; length < whole.byteLength; length += 1) {
    expect(() => readLayout(whole.subarray(0, length))).toThrow(FormatError);
  }
});

test("ByteReader.u64leAsNumber() refuses what a number cannot hold", () => {
  const bytes = new Uint8Array(16);
  new ByteWriter(bytes).u64le(2n ** 53n - 1n).u64le(2n ** 53n);
  const reader = new ByteReader(bytes, "sizes");
  expect(reader.u64leAsNumber()).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => reader.u64leAsNumber()).toThrow(/Cannot read sizes/);
});

test("ByteReader.at() and view() stay inside the view", () => {
  const reader = new ByteReader(new Uint8Array(8), "x");
  expect(() => reader.at(9)).toThrow(FormatError);
  expect(() => reader.at(-1)).toThrow(FormatError);
  expect(() => reader.at(4).view(5)).toThrow(FormatError);
  expect(reader.at(4).view(4).byteLength).toBe(4);
  expect(reader.left).toBe(0);
});

test("ByteReader.latin1() ends at the first NUL and passes over the whole field", () => {
  const reader = new ByteReader(Uint8Array.from([0x61, 0xe9, 0, 0x62, 0x63]), "label");
  expect(reader.latin1(4)).toBe("a\u00e9");
  expect(reader.u8()).toBe(0x63);
});
