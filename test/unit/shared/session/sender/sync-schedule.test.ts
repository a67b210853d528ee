/**
 * Goal: every block is asked about soon and twice, and never while symbols of it are owed.
 * Method: blocks added by hand, virtual time.
 */
import { expect, test } from "vitest";
import { SyncSchedule } from "../../../../../shared/session/sender/sync-schedule.ts";
import { blockOf, cacheOf, load } from "./blocks.ts";

const times = { syncBlocks: 3, syncIntervalMs: 20, askTimes: 2 };

function blocks(count: number): ReturnType<typeof blockOf>[] {
  const { cache } = cacheOf(count + 4);
  return Array.from({ length: count }, (_, chunk) => blockOf(load(cache, chunk, 4)));
}

test("dueAt() is at once with enough blocks, else when the oldest has waited", () => {
  const asks = new SyncSchedule(times);
  expect(asks.dueAt()).toBe(Infinity);
  const [one, two, three] = blocks(3);
  if (one === undefined || two === undefined || three === undefined) throw new Error("no blocks");
  asks.add(one, 100);
  asks.add(two, 110);
  expect(asks.dueAt()).toBe(120);
  asks.add(three, 111);
  expect(asks.dueAt()).toBe(-Infinity);
});

test("take() asks about a block twice, the second time when answers must have come", () => {
  const asks = new SyncSchedule(times);
  for (const block of blocks(2)) asks.add(block, 0);
  expect(asks.take(10, 50, 20)).toHaveLength(2);
  expect(asks.take(10, 50, 21)).toHaveLength(0);
  expect(asks.dueAt()).toBe(70);
  expect(asks.take(10, 50, 70)).toHaveLength(2);
  expect(asks.count).toBe(0);
});

test("take() leaves out blocks with symbols owed and those being sent again", () => {
  const asks = new SyncSchedule(times);
  const [owed, open, good] = blocks(3);
  if (owed === undefined || open === undefined || good === undefined) throw new Error("no blocks");
  owed.owe(2);
  open.begin();
  for (const block of [owed, open, good]) asks.add(block, 0);
  const taken = asks.take(10, 50, 0);
  expect(taken).toHaveLength(1);
  expect(taken[0]).toBe(good);
});

test("take() keeps what does not fit", () => {
  const asks = new SyncSchedule(times);
  for (const block of blocks(5)) asks.add(block, 0);
  expect(asks.take(3, 50, 0)).toHaveLength(3);
  expect(asks.fresh).toBe(2);
});
