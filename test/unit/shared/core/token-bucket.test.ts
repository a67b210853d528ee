/**
 * Goal: what is limited is bounded on average and in bursts, for each key by itself. Method: greedy
 * callers in made-up time.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyedBuckets, TokenBucket } from "../../../../shared/core/token-bucket.ts";

test("TokenBucket.take() keeps every prefix under burst + rate * time", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 300 }), (steps) => {
      const bucket = new TokenBucket(20, 10, 0);
      let now = 0;
      let passed = 0;
      for (const step of steps) {
        now += step;
        if (bucket.take(now)) passed += 1;
        expect(passed).toBeLessThanOrEqual(10 + (20 * now) / 1000 + 1e-6);
      }
    }),
  );
});

test("TokenBucket.take() gives again after a wait, and survives a clock that steps back", () => {
  const bucket = new TokenBucket(20, 1, 1000);
  expect([bucket.take(1000), bucket.take(1000), bucket.take(500), bucket.take(1100)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

test("TokenBucket.giveBack() undoes one take() and never fills above the burst", () => {
  const bucket = new TokenBucket(1, 1, 0);
  bucket.giveBack();
  expect([bucket.take(0), bucket.take(0)]).toEqual([true, false]);
  bucket.giveBack();
  expect([bucket.take(0), bucket.take(0)]).toEqual([true, false]);
});

test("KeyedBuckets.take() bounds each key by itself and forgets the key used longest ago", () => {
  const buckets = new KeyedBuckets(1, 1, 2);
  expect([buckets.take("a", 0), buckets.take("a", 0), buckets.take("b", 0)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(buckets.take("a", 0)).toBe(false);
  expect(buckets.take("a", 0)).toBe(false);
  buckets.take("c", 0);
  buckets.take("d", 0); // "b" was used longest ago
  expect([buckets.take("d", 0), buckets.take("b", 0)]).toEqual([false, true]);
});
