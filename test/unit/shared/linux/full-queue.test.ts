/**
 * Goal: only a full queue counts as drops of this computer.
 * Method: counts as the kernel gives them, with and without a queue that was read before.
 */
import { expect, test } from "vitest";
import { FullQueue } from "../../../../shared/linux/full-queue.ts";

const BUFFER = 1 << 20;

test("FullQueue takes no drop for an overflow when the queue was empty shortly before", () => {
  const drops = new FullQueue(BUFFER);
  for (let turn = 1; turn <= 1000; turn += 1) {
    drops.counted(turn);
    drops.read(20, 20 * 1440);
    drops.emptied();
  }
  expect(drops.lost).toBe(0);
});

test("FullQueue counts what was dropped while a whole queue was read", () => {
  const drops = new FullQueue(BUFFER);
  drops.counted(5); // wrong checksums
  drops.read(600, 600 * 1440);
  drops.counted(12);
  expect(drops.lost).toBe(7);
  drops.emptied();
  drops.counted(20); // the first datagram after the queue was read
  drops.read(1, 1440);
  expect(drops.lost).toBe(15);
  drops.counted(30);
  expect(drops.lost).toBe(15);
});

test("FullQueue goes on when the kernel's count wraps", () => {
  const drops = new FullQueue(BUFFER);
  drops.counted(0xffffffff);
  drops.read(600, 600 * 1440);
  drops.counted(2);
  expect(drops.lost).toBe(3);
});
