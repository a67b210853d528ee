/**
 * Goal: the table knows where each chunk is, with and without a known count, and describes what
 * lacks exactly. Method: transitions by hand, descriptions against a plain set by property.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ChunkStates } from "../../../../../shared/session/reception/chunks.ts";

const bounds = { rangesMax: 100, chunksMax: Infinity, isStuck: () => false };

test("a chunk goes from lacking to its lane to done, and may lack again", () => {
  const table = new ChunkStates(undefined);
  table.setCount(4);
  expect(table.lacking).toBe(4);
  table.setLane(2, 7);
  expect([table.laneOf(2), table.isLacking(2)]).toEqual([7, false]);
  table.setDone(2);
  expect([table.laneOf(2), table.done, table.lacking]).toEqual([-1, 1, 3]);
  table.addLacking([{ start: 0, end: 9 }]);
  expect([table.done, table.lacking, table.isLacking(2)]).toEqual([0, 4, true]);
});

test("chunks that are not wanted never lack", () => {
  const table = new ChunkStates([{ start: 1, end: 3 }]);
  table.setCount(5);
  expect(table.lacking).toBe(2);
  expect([table.isLacking(0), table.isLacking(1), table.isLacking(4)]).toEqual([
    false,
    true,
    false,
  ]);
  expect(table.lowestLacking).toBe(1);
});

test("a pipe's count comes late: chunks done before count", () => {
  const table = new ChunkStates(undefined);
  for (const chunk of [0, 1, 2, 5000]) {
    expect(table.isLacking(chunk)).toBe(true);
    table.setLane(chunk, 1);
    table.setDone(chunk);
  }
  expect(table.lacking).toBe(0);
  expect(table.setCount(5001)).toBe(true);
  expect(table.lacking).toBe(4997);
  expect(table.setCount(6000)).toBe(false);
  expect(table.exists(5001)).toBe(false);
});

test("describe() tells exactly what lacks in its span", () => {
  const done = fc.uniqueArray(fc.nat(299), { maxLength: 250 });
  fc.assert(
    fc.property(done, fc.nat(299), fc.integer({ min: 1, max: 100 }), (settled, from, most) => {
      const table = new ChunkStates(undefined);
      table.setCount(300);
      for (const chunk of settled) table.setDone(chunk);
      const told = table.describe(from, Infinity, { ...bounds, rangesMax: most });
      const set = new Set(settled);
      const listed = new Set<number>();
      for (const { start, end } of told.ranges) {
        for (let chunk = start; chunk < end; chunk += 1) listed.add(chunk);
      }
      for (let chunk = told.from; chunk < told.to; chunk += 1) {
        expect(listed.has(chunk)).toBe(!set.has(chunk));
      }
      if (table.lacking > 0) expect(told.ranges.length).toBeGreaterThan(0);
    }),
    { numRuns: 100 },
  );
});

test("describe() asks for no more than there is room for, and for stuck chunks again", () => {
  const table = new ChunkStates(undefined);
  table.setCount(10);
  table.setLane(0, 3);
  table.setLane(1, 4);
  const isStuck = (lane: number): boolean => lane === 4;
  expect(table.describe(0, Infinity, { ...bounds, chunksMax: 3, isStuck })).toEqual({
    from: 0,
    to: 4,
    ranges: [{ start: 1, end: 4 }],
  });
  expect(table.describe(0, 3, bounds).ranges).toEqual([{ start: 2, end: 3 }]);
});

test("setLacking() refuses a chunk that is in no lane and not being fetched", () => {
  const table = new ChunkStates([{ start: 0, end: 3 }]);
  table.setCount(4);
  table.setLane(1, 0);
  table.setDone(1);
  for (const chunk of [0, 1, 3]) {
    expect(() => {
      table.setLacking(chunk);
    }).toThrow(`chunk ${chunk}`);
  }
  table.setFetching(2);
  table.setLacking(2);
  expect([table.isLacking(2), table.done, table.lacking]).toEqual([true, 1, 2]);
});

test("describe() says nothing of any chunk when there is room for none", () => {
  const table = new ChunkStates(undefined);
  table.setCount(10);
  const told = table.describe(4, Infinity, { ...bounds, chunksMax: 0 });
  expect(told.ranges).toEqual([]);
  expect(told.to).toBe(told.from);
});
