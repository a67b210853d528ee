/**
 * Goal: MBR and EBR chains are read as the kernel reads them, and no chain can hang or escape the
 * disk. Method: tables written by hand; every way a chain can lie.
 */
import { describe, expect, test } from "vitest";
import { readMbr, readMbrEntries } from "../../../../shared/disk/mbr.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { putMbr } from "../../../rig/disk-fixtures.ts";

const EXTENDED = 0x05;

/** Primary at 64, container at 1000 with logical partitions at 1100, 1300 and 1500. */
function extendedDisk(): Uint8Array {
  const disk = new Uint8Array(4096 * 512);
  putMbr(disk, 0, [
    { start: 64, sectorCount: 100 },
    { start: 1000, sectorCount: 2000, type: EXTENDED },
  ]);
  putMbr(disk, 1000 * 512, [
    { start: 100, sectorCount: 50 },
    { start: 200, sectorCount: 200, type: EXTENDED },
  ]);
  putMbr(disk, 1200 * 512, [
    { start: 100, sectorCount: 60 },
    { start: 400, sectorCount: 200, type: EXTENDED },
  ]);
  putMbr(disk, 1400 * 512, [{ start: 100, sectorCount: 70 }]);
  return disk;
}

describe("readMbr()", () => {
  test("finds primary, container and logical partitions when the chain is whole", () => {
    const table = readMbr(memorySource(extendedDisk()));
    expect(
      table.partitions.map(({ number, start, sectorCount }) => [number, start, sectorCount]),
    ).toEqual([
      [1, 64, 100],
      [2, 1000, 2000],
      [5, 1100, 50],
      [6, 1300, 60],
      [7, 1500, 70],
    ]);
    expect(table.tableSectors.map(({ start }) => start)).toEqual([0, 1000, 1200, 1400]);
    expect(table.partitions.filter(({ container }) => container)).toHaveLength(1);
  });

  test("reads the disk signature as the tools print it", () => {
    const disk = extendedDisk();
    new DataView(disk.buffer).setUint32(440, 0xdeadbeef, true);
    expect(readMbr(memorySource(disk)).diskId).toBe("deadbeef");
  });

  test("counts an entry by its length, whatever its type", () => {
    const disk = new Uint8Array(4096 * 512);
    putMbr(disk, 0, [
      { start: 64, sectorCount: 100, type: 0 },
      { start: 300, sectorCount: 0 },
    ]);
    const { partitions } = readMbr(memorySource(disk));
    expect(partitions.map(({ number, start, type }) => [number, start, type])).toEqual([
      [1, 64, "0x00"],
    ]);
  });

  test("follows a chain whose first logical partition was deleted", () => {
    const disk = extendedDisk();
    disk.fill(0, 1000 * 512 + 446, 1000 * 512 + 462);
    const { partitions, tableSectors } = readMbr(memorySource(disk));
    expect(partitions.map(({ number, start }) => [number, start])).toEqual([
      [1, 64],
      [2, 1000],
      [5, 1300],
      [6, 1500],
    ]);
    expect(tableSectors.map(({ start }) => start)).toEqual([0, 1000, 1200, 1400]);
  });

  test("reads a link in the first entry of an EBR, and data in the second", () => {
    const disk = extendedDisk();
    putMbr(disk, 1200 * 512, [
      { start: 400, sectorCount: 200, type: EXTENDED },
      { start: 100, sectorCount: 60, type: 0 },
    ]);
    const { partitions } = readMbr(memorySource(disk));
    expect(partitions.map(({ start }) => start)).toEqual([64, 1000, 1100, 1300, 1500]);
  });

  test("refuses when the chain comes back to an EBR it has seen", () => {
    const disk = extendedDisk();
    putMbr(disk, 1400 * 512, [
      { start: 100, sectorCount: 70 },
      { start: 200, sectorCount: 200, type: EXTENDED },
    ]);
    expect(() => readMbr(memorySource(disk))).toThrow(/chain does not end/);
  });

  test.each([
    ["has no signature", 200, 1200],
    ["lies beyond the disk", 900_000, 901_000],
  ])("ends a chain whose next EBR %s, and keeps the container", (_, link, sector) => {
    const disk = extendedDisk();
    disk[1200 * 512 + 510] = 0;
    putMbr(disk, 1000 * 512, [
      { start: 100, sectorCount: 50 },
      { start: link, sectorCount: 200, type: EXTENDED },
    ]);
    const { partitions, unclear, warnings } = readMbr(memorySource(disk));
    expect(partitions.map(({ number }) => number)).toEqual([1, 2, 5]);
    expect(unclear).toEqual([{ start: 1000, end: 3000 }]);
    expect(warnings.join()).toMatch(`no EBR stands in sector ${sector}`);
  });

  test("takes a container whose first EBR is zeros for empty", () => {
    const disk = extendedDisk();
    disk.fill(0, 1000 * 512, 1001 * 512);
    const { partitions, unclear, warnings } = readMbr(memorySource(disk));
    expect([partitions.length, unclear, warnings]).toEqual([2, [], []]);
  });

  test("numbers the logical partitions of several containers in one go", () => {
    const disk = extendedDisk();
    putMbr(disk, 0, [
      { start: 3200, sectorCount: 400, type: 0x0f },
      { start: 1000, sectorCount: 2000, type: EXTENDED },
      { start: 3700, sectorCount: 300, type: 0x85 },
    ]);
    putMbr(disk, 3200 * 512, [{ start: 10, sectorCount: 20 }]);
    putMbr(disk, 3700 * 512, [{ start: 10, sectorCount: 20 }]);
    const { partitions } = readMbr(memorySource(disk));
    const logical = partitions.filter(({ container }) => !container);
    expect(logical.map(({ number, start }) => [number, start])).toEqual([
      [6, 1100],
      [7, 1300],
      [8, 1500],
      [5, 3210],
      [9, 3710],
    ]);
  });

  test("reads third and fourth entries of an EBR only if they fit", () => {
    const disk = extendedDisk();
    putMbr(disk, 1400 * 512, [
      { start: 100, sectorCount: 70 },
      { start: 0, sectorCount: 0 },
      { start: 180, sectorCount: 10 },
      { start: 180, sectorCount: 9000 },
    ]);
    const { partitions } = readMbr(memorySource(disk));
    expect(partitions.slice(-2).map(({ number, start }) => [number, start])).toEqual([
      [7, 1500],
      [8, 1580],
    ]);
  });

  test("does not ask an EBR for status bytes", () => {
    const disk = extendedDisk();
    disk[1200 * 512 + 446] = 0x7f;
    expect(readMbr(memorySource(disk)).partitions).toHaveLength(5);
  });

  test("refuses partitions that overlap and cuts one that leaves the disk", () => {
    const overlapping = new Uint8Array(4096 * 512);
    putMbr(overlapping, 0, [
      { start: 64, sectorCount: 100 },
      { start: 100, sectorCount: 100 },
    ]);
    expect(() => readMbr(memorySource(overlapping))).toThrow(/partition 2 begins inside 1/);
    const outside = new Uint8Array(4096 * 512);
    putMbr(outside, 0, [{ start: 64, sectorCount: 4096 }]);
    expect(readMbr(memorySource(outside)).partitions[0]?.sectorCount).toBe(4096 - 64);
  });

  test("reads tables on disks with sectors of 4096 bytes", () => {
    const disk = new Uint8Array(512 * 4096);
    putMbr(disk, 0, [{ start: 64, sectorCount: 100 }]);
    expect(readMbr(memorySource(disk, 4096)).partitions[0]?.start).toBe(64);
  });
});

describe("readMbrEntries()", () => {
  test("gives nothing when a status byte is neither 0 nor 0x80", () => {
    const disk = extendedDisk();
    disk[446] = 0x7f;
    expect(readMbrEntries(disk.subarray(0, 512))).toBeUndefined();
  });
});
