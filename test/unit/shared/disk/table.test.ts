/** Goal: only partitions that can be one disk pass. Method: lists that break one rule each. */
import { describe, expect, test } from "vitest";
import { checkedPartitions, type Partition } from "../../../../shared/disk/table.ts";

function partition(
  number: number,
  start: number,
  sectorCount: number,
  container = false,
): Partition {
  return { number, start, sectorCount, type: "0x83", name: "", guid: "", container };
}

describe("checkedPartitions()", () => {
  test("sorts by start and puts a container before what it holds", () => {
    const all = [partition(5, 100, 10), partition(1, 10, 20), partition(2, 100, 100, true)];
    expect(checkedPartitions(all, 1000).map(({ number }) => number)).toEqual([1, 2, 5]);
  });

  test("takes 128 partitions that fill a disk to its last sector", () => {
    const all = Array.from({ length: 128 }, (_, index) => partition(index + 1, 1 + index, 1));
    expect(checkedPartitions(all, 129)).toHaveLength(128);
  });

  test.each([
    ["too many", Array.from({ length: 129 }, (_, at) => partition(at, at + 1, 1)), /at most 128/],
    ["one behind the end", [partition(1, 990, 11)], /covers sectors 990 to 1001/],
    ["one on the table itself", [partition(1, 0, 10)], /covers sectors 0 to 10/],
    ["one without sectors", [partition(1, 10, 0)], /covers sectors 10 to 10/],
    ["two that overlap", [partition(1, 10, 10), partition(2, 19, 5)], /2 begins inside 1/],
  ])("refuses %s", (_, partitions, message) => {
    expect(() => checkedPartitions(partitions, 1000)).toThrow(message);
  });
});
