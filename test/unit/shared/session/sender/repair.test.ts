/**
 * Goal: a block owes the largest deficit once, whoever and however many ask, and nothing that is
 * still in flight. Method: answers by hand around one block.
 */
import { expect, test } from "vitest";
import { Repairs } from "../../../../../shared/session/sender/repair.ts";
import { blockOf, cacheOf, load } from "./blocks.ts";

function setUp(k = 100): { readonly repairs: Repairs; readonly block: ReturnType<typeof blockOf> } {
  return { repairs: new Repairs(), block: blockOf(load(cacheOf(4).cache, 1, k)) };
}

function sendAll(repairs: Repairs, lastSync: number): number {
  let sent = 0;
  while (repairs.peek() !== undefined) {
    repairs.sent(lastSync);
    sent += 1;
  }
  return sent;
}

test("ask() owes the maximum of the deficits, not their sum", () => {
  const { repairs, block } = setUp();
  for (const deficit of [3, 7, 5, 7]) repairs.ask(block, deficit, 4);
  expect(block.owed).toBe(7);
  expect(sendAll(repairs, 4)).toBe(7);
});

test("ask() takes off what was sent since the SYNC that is answered", () => {
  const { repairs, block } = setUp();
  repairs.ask(block, 5, 4);
  expect(sendAll(repairs, 5)).toBe(5);
  repairs.ask(block, 5, 4);
  expect(block.owed).toBe(0);
  repairs.ask(block, 8, 5);
  expect(block.owed).toBe(3);
});

test("ask() owes anew what a later SYNC still finds lacking", () => {
  const { repairs, block } = setUp();
  repairs.ask(block, 5, 4);
  sendAll(repairs, 4);
  repairs.ask(block, 2, 5);
  expect(block.owed).toBe(2);
});

test("ask() ignores answers to SYNCs from before the block was finished", () => {
  const { repairs, block } = setUp();
  block.finish(9);
  repairs.ask(block, 50, 9);
  expect(block.owed).toBe(0);
  block.begin();
  repairs.ask(block, 50, 10);
  expect(block.owed).toBe(0);
});

test("ask() for a whole block sends its source again", () => {
  const { repairs, block } = setUp(40);
  repairs.ask(block, 255, 1);
  expect([block.owed, block.resend]).toEqual([40, 40]);
});

test("blocks with symbols owed take turns and are pinned meanwhile", () => {
  const { cache } = cacheOf(4);
  const repairs = new Repairs();
  const [one, two] = [load(cache, 1, 20), load(cache, 2, 20)];
  repairs.ask(blockOf(one), 2, 1);
  repairs.ask(blockOf(two), 2, 1);
  const order = [];
  while (repairs.peek() !== undefined) {
    order.push(repairs.peek()?.chunk.chunk);
    expect(one.pinned || two.pinned).toBe(true);
    repairs.sent(1);
  }
  expect(order).toEqual([1, 2, 1, 2]);
  expect([one.pinned, two.pinned]).toEqual([false, false]);
});

test("takeHeard() repeats the largest deficit of the latest SYNC, once", () => {
  const { repairs, block } = setUp();
  repairs.ask(block, 3, 4);
  repairs.ask(block, 9, 5);
  repairs.ask(block, 6, 5);
  expect(repairs.hasNews).toBe(true);
  expect(repairs.takeHeard(200)).toEqual([{ chunk: 1, block: 0, value: 9 }]);
  expect(repairs.heardSync).toBe(5);
  expect(repairs.hasNews).toBe(false);
});
