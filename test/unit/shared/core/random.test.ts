/**
 * Goal: one seed, one future. Method: equality of two runs, bounds, and a coarse test of evenness.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../../shared/core/random.ts";

test("seededRandom() gives the same numbers for the same seed and others for another", () => {
  const [one, two, other] = [seededRandom(7), seededRandom(7), seededRandom(8)];
  const run = Array.from({ length: 100 }, () => one.u32());
  expect(Array.from({ length: 100 }, () => two.u32())).toEqual(run);
  expect(Array.from({ length: 100 }, () => other.u32())).not.toEqual(run);
});

test("below() and fraction() stay in their ranges", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
      const random = seededRandom(seed);
      for (let draw = 0; draw < 20; draw += 1) {
        const value = random.below(bound);
        expect(Number.isInteger(value) && value >= 0 && value < bound).toBe(true);
        expect(random.fraction()).toBeLessThan(1);
      }
    }),
  );
});

test("u32() is even: 16 boxes of 160 000 draws differ from their mean by less than 5 %", () => {
  const random = seededRandom(1);
  const boxes = new Array<number>(16).fill(0);
  for (let draw = 0; draw < 160_000; draw += 1) {
    const box = random.u32() >>> 28;
    boxes[box] = (boxes[box] ?? 0) + 1;
  }
  for (const count of boxes) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});
