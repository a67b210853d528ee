/** Goal: runs and counts of bitmaps are right at every edge. Method: compare with single bits. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { countClear, forEachRun, setBits } from "../../../../shared/filesystem/bits.ts";
import { crc16 } from "../../../../shared/filesystem/crc16.ts";

const bitmaps = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.nat(96));

function setBitsOf(bitmap: Uint8Array, count: number): number[] {
  const all = Array.from({ length: count }, (_, bit) => bit);
  return all.filter((bit) => (((bitmap[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1);
}

test("forEachRun() and countClear() see every bit when runs begin and end anywhere", () => {
  fc.assert(
    fc.property(bitmaps, fc.constantFrom(0x00, 0xff, -1), ([bitmap, wanted], fill) => {
      if (fill >= 0) bitmap.fill(fill, 0, bitmap.length - 1);
      const count = Math.min(wanted, bitmap.length * 8);
      const seen: number[] = [];
      let previousEnd = -1;
      forEachRun(bitmap, count, ({ start, end }) => {
        expect(start).toBeGreaterThan(previousEnd);
        for (let bit = start; bit < end; bit += 1) seen.push(bit);
        previousEnd = end;
      });
      expect(seen).toEqual(setBitsOf(bitmap, count));
      expect(countClear(bitmap, count)).toBe(count - seen.length);
    }),
  );
});

test("setBits() sets the run and nothing else", () => {
  fc.assert(
    fc.property(fc.nat(96), fc.nat(96), (one, two) => {
      const bitmap = new Uint8Array(12);
      const [start, end] = [Math.min(one, two), Math.max(one, two)];
      setBits(bitmap, start, end);
      const wanted = Array.from({ length: end - start }, (_, index) => start + index);
      expect(setBitsOf(bitmap, 96)).toEqual(wanted);
    }),
  );
});

test("crc16() gives the check value of CRC-16/ARC and chains", () => {
  const text = new TextEncoder().encode("123456789");
  expect(crc16(0, text)).toBe(0xbb3d);
  expect(crc16(crc16(0, text.subarray(0, 4)), text.subarray(4))).toBe(0xbb3d);
});
