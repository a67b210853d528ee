/**
 * Goal: the table that rules a disk is the one the kernel would use.
 * Method: disks with one, several, or no tables.
 */
import { describe, expect, test } from "vitest";
import { guessSectorBytes, readPartitionTable } from "../../../../shared/disk/probe.ts";
import { memorySource } from "../../../../shared/disk/source.ts";
import { diskOf, putGpt, putMbr, readVector } from "../../../rig/disk-fixtures.ts";

const PARTITION = { start: 64, sectorCount: 100 };

function gptDisk(sectorBytes = 512): Uint8Array {
  const disk = new Uint8Array(300 * sectorBytes);
  putGpt(disk, sectorBytes, [PARTITION]);
  return disk;
}

describe("readPartitionTable()", () => {
  test("finds no table when the disk is empty or one file system", () => {
    expect(readPartitionTable(memorySource(new Uint8Array(512 * 100))).kind).toBe("none");
    for (const name of ["fat12", "fat16", "fat32", "ext4"]) {
      const disk = diskOf(readVector(`filesystem/${name}.json`));
      expect(readPartitionTable(memorySource(disk)).kind, name).toBe("none");
    }
  });

  test("finds no table when an MBR has no entry, or an empty extended partition", () => {
    const disk = new Uint8Array(4096 * 512);
    putMbr(disk, 0, []);
    expect(readPartitionTable(memorySource(disk))).toMatchObject({
      kind: "none",
      warnings: ["The MBR names no partition: the disk is taken as a whole."],
    });
    putMbr(disk, 0, [{ start: 1000, sectorCount: 2000, type: 5 }]);
    putMbr(disk, 1000 * 512, []);
    expect(readPartitionTable(memorySource(disk)).kind).toBe("none");
  });

  test("takes a named boot sector for code when its only entries have type 0", () => {
    const disk = diskOf(readVector("filesystem/fat32.json"));
    putMbr(disk, 0, [{ start: 64, sectorCount: 100, type: 0 }]);
    expect(readPartitionTable(memorySource(disk)).kind).toBe("none");
  });

  test("takes the GPT when the MBR is protective", () => {
    expect(readPartitionTable(memorySource(gptDisk())).kind).toBe("gpt");
  });

  test("takes the MBR and warns when a GPT stands beside it without protection", () => {
    const disk = gptDisk();
    disk.fill(0, 446, 510);
    putMbr(disk, 0, [{ start: 100, sectorCount: 10 }]);
    const table = readPartitionTable(memorySource(disk));
    expect(table.kind).toBe("mbr");
    expect(table.warnings.join()).toMatch(/without protective MBR/);
  });

  test("takes the GPT and warns when the MBR is a hybrid", () => {
    const disk = gptDisk();
    putMbr(disk, 0, [{ start: 1, sectorCount: 63, type: 0xee }, PARTITION]);
    const table = readPartitionTable(memorySource(disk));
    expect(table.kind).toBe("gpt");
    expect(table.warnings.join()).toMatch(/hybrid/);
  });

  test("refuses when a protective MBR points to two damaged copies", () => {
    const disk = gptDisk();
    disk.fill(0, 512, 1024);
    disk.fill(0, 299 * 512);
    expect(() => readPartitionTable(memorySource(disk))).toThrow(/both GPT copies are damaged/);
  });

  test("refuses a disk without sectors", () => {
    expect(() => readPartitionTable(memorySource(new Uint8Array(0)))).toThrow(/1 wanted/);
  });
});

describe("guessSectorBytes()", () => {
  test("says 4096 only when a GPT stands where such sectors put it", () => {
    expect(guessSectorBytes(memorySource(gptDisk(512)))).toBe(512);
    expect(guessSectorBytes(memorySource(gptDisk(4096)))).toBe(4096);
    expect(guessSectorBytes(memorySource(new Uint8Array(512 * 100)))).toBe(512);
    expect(guessSectorBytes(memorySource(new Uint8Array(512)))).toBe(512);
  });
});
