/**
 * Goal: a batch packs datagrams back to back and knows when it is full.
 *
 * Method: fill it by count and by bytes, and compare offsets with sums of lengths.
 */
import { expect, test } from "vitest";
import { Arena, arenaMemory } from "../../../../shared/core/arena.ts";
import {
  BATCH_DATAGRAMS_MAX,
  PackedBatch,
  anyAddress,
} from "../../../../shared/linux/datagram-options.ts";

const remote = { address: "10.0.0.1", port: 1 };

test("anyAddress() is of the family of the group", () => {
  expect([anyAddress("239.1.2.3"), anyAddress("ff02::1")]).toEqual(["0.0.0.0", "::"]);
});

test("PackedBatch.add() places datagrams back to back", () => {
  const batch = new PackedBatch(new Arena(arenaMemory(1 << 20)));
  const first = batch.add(100, remote);
  expect(batch.add(7, remote)).toBe(first + 100);
  expect(batch.add(1, remote)).toBe(first + 107);
  expect(batch.count).toBe(3);
});

test("PackedBatch.add() answers -1 when it has its datagrams or its bytes", () => {
  const batch = new PackedBatch(new Arena(arenaMemory(1 << 20)));
  let small = 0;
  while (batch.add(8, remote) >= 0) small += 1;
  expect(small).toBe(BATCH_DATAGRAMS_MAX);
  batch.clear();
  let large = 0;
  while (batch.add(9000, remote) >= 0) large += 1;
  expect(large).toBe(Math.floor((BATCH_DATAGRAMS_MAX * 1536) / 9000));
  batch.clear();
  expect(batch.count).toBe(0);
  expect(batch.add(9000, remote)).toBeGreaterThanOrEqual(0);
});
