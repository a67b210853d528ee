/** Goal: equal seeds give equal bytes, and no two ids are equal. Method: many of both. */
import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { nextId, seededBytes } from "../../rig/seeded-bytes.ts";

test("seededBytes() gives the same for a seed, and something else for each other seed", () => {
  expect(seededBytes(7, 100_000).equals(seededBytes(7, 100_000))).toBe(true);
  expect(seededBytes(7, 10).equals(seededBytes(7, 100_000).subarray(0, 10))).toBe(true);
  const starts = Array.from({ length: 1000 }, (_, seed) => seededBytes(seed, 8).toString("hex"));
  expect(new Set(starts).size).toBe(1000);
});

test("seededBytes() gives bytes that do not compress", () => {
  expect(deflateRawSync(seededBytes(1, 100_000)).byteLength).toBeGreaterThan(99_000);
});

test("nextId() gives 16 bytes and never the same ones again", () => {
  const ids = Array.from({ length: 1000 }, () => nextId());
  expect(ids.every(({ byteLength }) => byteLength === 16)).toBe(true);
  expect(new Set(ids.map((id) => id.toString("hex"))).size).toBe(1000);
});
