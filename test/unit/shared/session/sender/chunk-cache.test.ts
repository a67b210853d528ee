/**
 * Goal: the cache is bounded, gives up what is unused for longest and never what is pinned.
 * Method: a small cache filled beyond its size; shapes of blocks against the partition.
 */
import { expect, test } from "vitest";
import { blockOf, cacheOf, load } from "./blocks.ts";

test("reserve() gives up the chunk unused for longest, and no pinned one", () => {
  const { cache } = cacheOf(4);
  const entries = [0, 1, 2, 3].map((chunk) => load(cache, chunk, 10));
  const [first, second] = entries;
  if (first === undefined || second === undefined) throw new Error("no entries");
  first.pin();
  cache.touch(second);
  expect(cache.reserve(9)).toBeDefined();
  expect(cache.get(2)).toBeUndefined();
  expect(cache.get(0)).toBe(first);
  expect(cache.get(1)).toBe(second);
});

test("reserve() gives nothing when all chunks are pinned", () => {
  const { cache } = cacheOf(4);
  for (const chunk of [0, 1, 2, 3]) load(cache, chunk, 10).pin();
  expect(cache.reserve(4)).toBeUndefined();
  cache.get(2)?.unpin();
  expect(cache.reserve(4)).toBeDefined();
  expect(cache.get(2)).toBeUndefined();
});

test("reserve() gives nothing while all chunks are being read", () => {
  const { cache } = cacheOf(4);
  for (const chunk of [0, 1, 2, 3]) cache.reserve(chunk);
  expect(cache.reserve(4)).toBeUndefined();
});

test("loaded() cuts 300 symbols into two blocks of 150 and zero-fills the last symbol", () => {
  const { cache, bytes } = cacheOf(4);
  bytes.fill(0xff);
  const entry = cache.reserve(5);
  if (entry === undefined) throw new Error("no lane");
  cache.loaded(entry, 299 * 32 + 1);
  expect(entry.blocks.map((block) => block.k)).toEqual([150, 150]);
  const end = cache.offsetOf(entry) + 300 * 32;
  expect([...bytes.subarray(end - 31, end)]).toEqual(new Array<number>(31).fill(0));
  expect(bytes[end - 32]).toBe(0xff);
});

test("loaded() begins with other parity names when a chunk is read again", () => {
  const { cache } = cacheOf(4);
  expect(blockOf(load(cache, 7, 100)).next).toBe(100);
  for (const chunk of [1, 2, 3, 4]) load(cache, chunk, 10);
  expect(cache.get(7)).toBeUndefined();
  const again = blockOf(load(cache, 7, 100)).next;
  expect(again).toBeGreaterThan(100);
  expect(again).toBeLessThan(255);
});

test("discard() frees the lane of a chunk that does not exist", () => {
  const { cache } = cacheOf(4);
  const entry = cache.reserve(3);
  if (entry === undefined) throw new Error("no lane");
  cache.discard(entry);
  expect(cache.get(3)).toBeUndefined();
  for (const chunk of [10, 11, 12, 13]) expect(cache.reserve(chunk)).toBeDefined();
});
