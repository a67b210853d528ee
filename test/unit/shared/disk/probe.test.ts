/**
 * Goal: the table that rules a disk is the one the kernel would use, and no table refuses a disk.
 * Method: disks with one, several, broken, foreign or no tables.
 */
import { describe, expect, test } from "vitest";
import { readPartitionTable } from "../../../../shared/disk/probe.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { diskOf, putGpt, putMbr, readVector } from "../../../rig/disk-fixtures.ts";

const PARTITION = { start: 64, sectorCount: 100 };

function gptDisk(sectorBytes = 512): Uint8Array {
  const disk = new Uint8Array(300 * sectorBytes);
  putGpt(disk, sectorBytes, [PARTITION]);
  return disk;
}

type Entries = Parameters<typeof putMbr>[2];

function mbr(...entries: Entries): Uint8Array {
  const disk = new Uint8Array(300 * 512);
  putMbr(disk, 0, entries);
  return disk;
}

function damaged(): Uint8Array {
  const disk = gptDisk();
  disk.fill(0, 512, 1024);
  return disk.fill(0, 299 * 512);
}

function looped(): Uint8Array {
  const disk = mbr({ start: 100, sectorCount: 150, type: 5 });
  const link = { start: 0, sectorCount: 50, type: 5 };
  putMbr(disk, 100 * 512, [{ start: 10, sectorCount: 5 }, link]);
  return disk;
}

function headless(): Uint8Array {
  const disk = mbr({ start: 100, sectorCount: 150, type: 5 });
  return disk.fill(0x5a, 100 * 512, 101 * 512);
}

/** A label whose magic number and checksum are right. */
function sun(): Uint8Array {
  return planted(508, "dabe", 510, "dabe");
}

function planted(...places: readonly (number | string)[]): Uint8Array {
  const disk = new Uint8Array(300 * 512);
  for (let at = 0; at < places.length; at += 2) {
    disk.set(Buffer.from(String(places[at + 1]), "hex"), Number(places[at]));
  }
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

  test.each([
    ["a length of zero", { start: 1, sectorCount: 0, type: 0xee }, 0],
    ["a length that is too long", { start: 1, sectorCount: 0xffffffff, type: 0xee }, 0],
    ["another start", { start: 63, sectorCount: 10, type: 0xee }, 0],
    ["a status byte that no table has", { start: 1, sectorCount: 299, type: 0xee }, 0x7f],
  ])("takes the GPT when the protective entry has %s", (_, entry, status) => {
    const disk = gptDisk();
    disk.fill(0, 446, 510);
    putMbr(disk, 0, [entry]);
    disk[446] = status;
    const table = readPartitionTable(memorySource(disk));
    expect([table.kind, table.partitions.length, table.warnings]).toEqual(["gpt", 1, []]);
  });

  test("takes the GPT when the protective entry is the last of the four", () => {
    const disk = gptDisk();
    disk.copyWithin(446 + 48, 446, 462);
    disk.fill(0, 446, 462);
    expect(readPartitionTable(memorySource(disk)).kind).toBe("gpt");
  });

  test.each([
    ["a protective MBR points to two damaged copies", damaged(), /both GPT copies are damaged/],
    ["partitions of an MBR overlap", mbr(PARTITION, { start: 100, sectorCount: 9 }), /2 begins in/],
    ["a partition covers the table", mbr({ start: 0, sectorCount: 200 }), /1 begins in sector 0/],
    ["a chain of EBRs comes back", looped(), /the EBR chain does not end at sector 100/],
    ["the only chain has no beginning", headless(), /the chain of logical partitions has no/],
    ["it is a Sun's", sun(), /a Sun disk label/],
    ["it is a BSD's", planted(512, "57455682"), /a BSD disk label/],
    ["it is an Apple's", planted(0, "4552", 512, "504d"), /an Apple partition map/],
    ["it is an SGI's", planted(0, "0be5a941"), /an SGI disk label/],
    ["it is an Amiga's", planted(3 * 512, "5244534b"), /an Amiga partition table/],
  ])("keeps the disk as one piece with the reason when %s", (_, disk, because) => {
    const table = readPartitionTable(memorySource(disk));
    expect([table.kind, table.partitions]).toEqual(["none", []]);
    expect(table.wholeBecause).toMatch(because);
  });

  test("refuses a disk without sectors", () => {
    expect(() => readPartitionTable(memorySource(new Uint8Array(0)))).toThrow(/1 wanted/);
  });
});
