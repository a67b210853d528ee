/**
 * Goal: the notes of a block agree with one another: what is owed pins its chunk, and what was sent
 * counts for the SYNCs that came before it. Method: one block of a cached chunk, told by hand.
 */
import { expect, test } from "vitest";
import { blockOf, cacheOf, load } from "./blocks.ts";

function aBlock(k: number): ReturnType<typeof blockOf> {
  return blockOf(load(cacheOf(4).cache, 1, k));
}

test("owe() pins the chunk once, until sentRepair() has sent everything", () => {
  const block = aBlock(10);
  block.owe(1);
  block.owe(2);
  block.sentRepair(1);
  expect([block.owed, block.chunk.pinned]).toEqual([1, true]);
  block.sentRepair(1);
  expect([block.owed, block.chunk.pinned]).toEqual([0, false]);
});

test("pinned stays true while anybody else holds the chunk", () => {
  const block = aBlock(10);
  block.chunk.pin();
  block.owe(1);
  block.sentRepair(1);
  expect(block.chunk.pinned).toBe(true);
  block.chunk.unpin();
  expect(block.chunk.pinned).toBe(false);
});

test("sentRepair() counts source symbols that are sent again down to none", () => {
  const block = aBlock(2);
  block.resendSource();
  block.owe(3);
  const left = [1, 2, 3].map(() => {
    block.sentRepair(1);
    return block.resend;
  });
  expect(left).toEqual([1, 0, 0]);
});

test("repairsSince() counts what was sent after a SYNC, and forgets all but the last eight", () => {
  const block = aBlock(10);
  block.owe(20);
  for (let sync = 1; sync <= 9; sync += 1) block.sentRepair(sync);
  block.sentRepair(9);
  expect(block.repairsSince(9)).toBe(2);
  expect(block.repairsSince(5)).toBe(6);
  expect(block.repairsSince(0)).toBe(9);
});

test("sentFresh() goes around the 255 symbols and stops counting at 255", () => {
  const block = aBlock(10);
  for (let sent = 0; sent < 245; sent += 1) block.sentFresh();
  expect([block.next, block.issued]).toEqual([0, 245]);
  for (let sent = 0; sent < 20; sent += 1) block.sentFresh();
  expect([block.next, block.issued]).toEqual([20, 255]);
});

test("finishedBefore() is false for the SYNC at the end of the block, and while it is sent", () => {
  const block = aBlock(10);
  block.finish(4);
  expect([block.finishedBefore(4), block.finishedBefore(5)]).toEqual([false, true]);
  block.begin();
  expect(block.finishedBefore(6)).toBe(false);
});

test("hasParity() knows which parity symbols lie in the room of the block", () => {
  const block = aBlock(10);
  expect(block.hasParity(10)).toBe(false);
  block.madeParity(12, 4);
  const known = [11, 12, 15, 16].map((symbol) => block.hasParity(symbol));
  expect(known).toEqual([false, true, true, false]);
});
