/**
 * Goal: no read leaves its source, and unaligned reads give the right bytes. Method: bytes that
 * name their place.
 */
import { describe, expect, test } from "vitest";
import { partitionSource, readBytes } from "../../../../shared/disk/source.ts";
import { memorySource } from "../../../rig/memory-source.ts";

const disk = Uint8Array.from({ length: 16 * 512 }, (_, index) => (index * 7) % 251);

describe("readBytes()", () => {
  test("gives any run, aligned or not", () => {
    const source = memorySource(disk);
    for (const [offset, length] of [
      [0, 512],
      [1, 1],
      [511, 2],
      [1000, 3000],
      [8191, 1],
      [5, 0],
    ] as const) {
      const found = readBytes(source, offset, length);
      expect([...found]).toEqual([...disk.subarray(offset, offset + length)]);
    }
  });

  test("refuses a run that leaves the source", () => {
    expect(() => readBytes(memorySource(disk), 8191, 2)).toThrow(/the source has 16/);
  });
});

describe("partitionSource()", () => {
  test("counts sectors from the partition's start and ends at its end", () => {
    const part = partitionSource(memorySource(disk), 4, 2);
    expect(readBytes(part, 0, 4)).toEqual(disk.subarray(2048, 2052));
    expect(() => readBytes(part, 1024, 1)).toThrow(/the source has 2/);
    expect(() => partitionSource(memorySource(disk), 15, 2)).toThrow(/the source has 16/);
  });
});
