/**
 * Goal: a disk holds the partitions that the kernel would show, and only those that can be one
 * disk. Method: lists that break one rule each.
 */
import { describe, expect, test } from "vitest";
import { type Partition, partitionsOnDisk } from "../../../../shared/disk/table.ts";

function partition(
  number: number,
  start: number,
  sectorCount: number,
  container = false,
): Partition {
  return { number, start, sectorCount, type: "0x83", name: "", guid: "", container };
}

describe("partitionsOnDisk()", () => {
  test("sorts by start and puts a container before what it holds", () => {
    const all = [partition(5, 100, 10), partition(1, 10, 20), partition(2, 100, 100, true)];
    const { partitions } = partitionsOnDisk(all, 1000, "cut");
    expect(partitions.map(({ number }) => number)).toEqual([1, 2, 5]);
  });

  test("takes 256 partitions that fill a disk to its last sector", () => {
    const all = Array.from({ length: 256 }, (_, index) => partition(index + 1, 1 + index, 1));
    expect(partitionsOnDisk(all, 257, "cut")).toMatchObject({ unclear: [], warnings: [] });
  });

  test.each([
    ["too many", Array.from({ length: 257 }, (_, at) => partition(at, at + 1, 1)), /at most 256/],
    ["one on the table itself", [partition(1, 0, 10)], /begins in sector 0/],
    ["one without sectors", [partition(1, 10, 0)], /ends before it begins/],
    ["two that overlap", [partition(1, 10, 10), partition(2, 19, 5)], /2 begins inside 1/],
  ])("refuses %s", (_, partitions, message) => {
    expect(() => partitionsOnDisk(partitions, 1000, "cut")).toThrow(message);
  });

  test("leaves out one that begins beyond the end, and says so", () => {
    const found = partitionsOnDisk([partition(1, 1000, 5), partition(2, 10, 5)], 1000, "cut");
    expect(found.partitions.map(({ number }) => number)).toEqual([2]);
    expect(found.warnings).toEqual([
      "Partition 1 (sectors 1000 to 1005) begins beyond the end of the disk.",
    ]);
  });

  test("cuts one that ends beyond the end, or keeps its sectors without it", () => {
    const long = [partition(1, 990, 11)];
    const cut = partitionsOnDisk(long, 1000, "cut");
    expect(cut.partitions).toMatchObject([{ start: 990, sectorCount: 10 }]);
    expect(cut.warnings.join()).toMatch(/is cut at sector 1000/);
    const out = partitionsOnDisk(long, 1000, "leave out");
    expect([out.partitions, out.unclear]).toEqual([[], [{ start: 990, end: 1000 }]]);
    expect(out.warnings.join()).toMatch(/the kernel does not show it/);
  });
});
