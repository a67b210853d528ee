/**
 * Goal: range arithmetic equals set arithmetic. Method: compare with bit sets on random small
 * ranges.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Range,
  intersectRanges,
  normalRanges,
  rangesCover,
  rangesWithin,
  subtractRanges,
  totalOfRanges,
} from "../../../../shared/core/ranges.ts";

const UNITS = 64;
const anyRanges = fc.array(
  fc.record({ start: fc.nat(UNITS), length: fc.nat(12) }).map(({ start, length }) => ({
    start,
    end: Math.min(UNITS, start + length),
  })),
  { maxLength: 12 },
);

function unitsOf(ranges: readonly Range[]): Set<number> {
  const units = new Set<number>();
  for (const { start, end } of ranges)
    for (let unit = start; unit < end; unit += 1) units.add(unit);
  return units;
}

function expectNormal(ranges: readonly Range[]): void {
  let before = -1;
  for (const { start, end } of ranges) {
    expect(start).toBeGreaterThan(before);
    expect(end).toBeGreaterThan(start);
    before = end;
  }
}

test("normalRanges() keeps every unit and gives a normal list", () => {
  fc.assert(
    fc.property(anyRanges, (ranges) => {
      const normal = normalRanges(ranges);
      expectNormal(normal);
      expect(unitsOf(normal)).toEqual(unitsOf(ranges));
      expect(totalOfRanges(normal)).toBe(unitsOf(ranges).size);
    }),
  );
});

test("subtractRanges() and intersectRanges() equal the set operations", () => {
  fc.assert(
    fc.property(anyRanges, anyRanges, (one, two) => {
      const [left, right] = [normalRanges(one), normalRanges(two)];
      const difference = subtractRanges(left, right);
      const common = intersectRanges(left, right);
      expectNormal(difference);
      expectNormal(common);
      expect(unitsOf(difference)).toEqual(unitsOf(left).difference(unitsOf(right)));
      expect(unitsOf(common)).toEqual(unitsOf(left).intersection(unitsOf(right)));
      expect(rangesCover(left, right)).toBe(unitsOf(right).isSubsetOf(unitsOf(left)));
    }),
  );
});

test("rangesWithin() equals an intersection with one range", () => {
  fc.assert(
    fc.property(anyRanges, fc.nat(UNITS), fc.nat(UNITS), (ranges, start, length) => {
      const normal = normalRanges(ranges);
      const span = { start, end: start + length };
      expect(rangesWithin(normal, span)).toEqual(intersectRanges(normal, [span]));
    }),
    { examples: [[[{ start: 0, end: 4 }], 1, 0]] }, // an empty span inside a range
  );
});

test("rangesWithin() looks at few of many ranges", () => {
  const all = Array.from({ length: 1 << 16 }, (_, index) => ({
    start: 10 * index,
    end: 10 * index + 5,
  }));
  let looks = 0;
  const watched = new Proxy(all, {
    get(target, key, receiver) {
      if (typeof key === "string" && /^\d+$/.test(key)) looks += 1;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  expect(rangesWithin(watched, { start: 600_003, end: 600_012 })).toEqual([
    { start: 600_003, end: 600_005 },
    { start: 600_010, end: 600_012 },
  ]);
  expect(looks).toBeLessThan(30);
});
