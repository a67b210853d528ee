/** Goal: complaints about chunks that left the cache wait, bounded. Method: add, read, take. */
import { expect, test } from "vitest";
import { LateRepairs } from "../../../../../shared/session/sender/late-repairs.ts";

test("LateRepairs keeps the largest complaint of each block until its chunk is back", () => {
  const rereads = new LateRepairs();
  rereads.add(5, { block: 0, deficit: 2, syncNo: 1, node: 1 });
  rereads.add(5, { block: 0, deficit: 9, syncNo: 2, node: 2 });
  rereads.add(5, { block: 0, deficit: 3, syncNo: 3, node: 3 });
  rereads.add(5, { block: 1, deficit: 1, syncNo: 3, node: 3 });
  expect(rereads.peek()).toBe(5);
  rereads.reading();
  expect(rereads.peek()).toBeUndefined();
  expect(rereads.take(5).map((ask) => ask.deficit)).toEqual([9, 1]);
  expect(rereads.take(5)).toEqual([]);
});

test("LateRepairs drops complaints beyond its bound", () => {
  const rereads = new LateRepairs();
  for (let chunk = 0; chunk < 1000; chunk += 1) {
    rereads.add(chunk, { block: 0, deficit: 1, syncNo: 1, node: 1 });
  }
  let waiting = 0;
  for (; rereads.peek() !== undefined; waiting += 1) rereads.reading();
  expect(waiting).toBe(64);
});
