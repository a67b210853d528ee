/**
 * Goal: a map holds all that was added, and never more pieces than it may. Method: random pieces in
 * any order against plain range arithmetic.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalRanges, rangesCover } from "../../../../shared/core/ranges.ts";
import { UsedMap } from "../../../../shared/filesystem/used-map.ts";

const KIB = 1024;
const MIB = 1 << 20;
const pieces = fc
  .array(fc.tuple(fc.nat(50_000), fc.nat(60)), { maxLength: 80 })
  .map((list) => list.map(([at, kib]) => ({ start: at * KIB, end: (at + kib) * KIB })));

function mapOf(list: readonly { start: number; end: number }[], rangesMax?: number): UsedMap {
  const map = new UsedMap(rangesMax);
  for (const { start, end } of list) map.add(start, end);
  return map;
}

describe("UsedMap", () => {
  test("is exact as long as it has few pieces, in whatever order they come", () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const map = mapOf(list);
        expect(map.ranges).toEqual(normalRanges(list));
        expect(map.warnings).toEqual([]);
      }),
    );
  });

  test("covers all that was added and stays within its bound when there are many", () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 9 }), (list, rangesMax) => {
        const { ranges } = mapOf(list, rangesMax);
        expect(ranges.length).toBeLessThanOrEqual(rangesMax);
        expect(normalRanges(ranges)).toEqual(ranges);
        expect(rangesCover(ranges, normalRanges(list))).toBe(true);
        const { start = 0, end = 0 } = normalRanges(list)[0] ?? {};
        if (end > start) expect(ranges[0]?.start).toBe(start);
      }),
    );
  });

  test("joins gaps shorter than 64 KiB first and keeps the others free", () => {
    const near = Array.from({ length: 10 }, (_, index) => ({
      start: index * 100 * KIB,
      end: (index * 100 + 60) * KIB,
    }));
    const far = { start: 1064 * KIB, end: 1065 * KIB };
    const map = mapOf([...near, far], 5);
    expect(map.ranges).toEqual([{ start: 0, end: 960 * KIB }, far]);
    expect(map.warnings).toEqual([
      "It is in more than 5 pieces, so free gaps shorter than 64 KiB are kept as well.",
    ]);
  });

  test("joins ever longer gaps until the map fits", () => {
    const list = Array.from({ length: 64 }, (_, index) => ({
      start: index * MIB,
      end: index * MIB + 512,
    }));
    const map = mapOf(list, 5);
    expect(map.ranges).toEqual([{ start: 0, end: 63 * MIB + 512 }]);
    expect(map.warnings.join()).toContain("shorter than 1024 KiB");
  });
});
