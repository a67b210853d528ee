/**
 * Goal: the map of an ext file system equals its own tool's, and no damage ever makes a used block
 * free. Method: file systems that mke2fs made, kept as sparse vectors with dumpe2fs's free list; a
 * flip of every metadata byte; every state that makes bitmaps untrue.
 */
import { describe, expect, test } from "vitest";
import {
  normalRanges,
  type Range,
  rangesCover,
  subtractRanges,
} from "../../../../shared/core/ranges.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { extReader } from "../../../../shared/filesystem/ext.ts";
import { linuxCrc32c } from "../../../../shared/filesystem/ext-superblock.ts";
import {
  diskOf,
  forEachFlip,
  readVector,
  type SparseVector,
  span,
} from "../../../rig/disk-fixtures.ts";

/** Sectors in use, from the tool's list of free blocks. */
function usedByTool(vector: SparseVector): Range[] {
  const perBlock = (vector.blockBytes ?? 0) / 512;
  const free = (vector.free ?? []).map(([start, end]) => ({
    start: start * perBlock,
    end: end * perBlock,
  }));
  return subtractRanges([{ start: 0, end: vector.sectorCount }], normalRanges(free));
}

function put(disk: Uint8Array, offset: number, value: number, bytes: 2 | 4): void {
  const view = new DataView(disk.buffer);
  if (bytes === 2) view.setUint16(1024 + offset, value, true);
  else view.setUint32(1024 + offset, value, true);
}

function get(disk: Uint8Array, offset: number): number {
  return new DataView(disk.buffer).getUint32(1024 + offset, true);
}

/** Makes the superblock's checksum right again after a change that is meant. */
function seal(disk: Uint8Array): void {
  put(disk, 0x3fc, linuxCrc32c(0xffffffff, disk.subarray(1024, 1024 + 0x3fc)), 4);
}

describe("extReader", () => {
  test.each(["ext4", "ext4-groups", "ext2"])("reads the map of %s as dumpe2fs does", (name) => {
    const vector = readVector(`filesystem/${name}.json`);
    const report = extReader.read(memorySource(diskOf(vector)));
    expect(report.state).toBe("clean");
    expect(report.kind).toBe(name.slice(0, 4));
    expect(report.rawBecause).toBeUndefined();
    expect(report.used).toEqual(usedByTool(vector));
    expect(report.uuid).toBe("6b9e1c64-3f0a-4c0e-9d53-5c3ee1d2a001");
    expect(report.label).toBe("lab");
    expect(report.features).toContain("filetype");
  });

  test("keeps everything, or loses nothing, when any byte of ext4's metadata is flipped", () => {
    const vector = readVector("filesystem/ext4.json");
    const disk = diskOf(vector);
    const used = usedByTool(vector);
    const block = vector.blockBytes ?? 0;
    const bitmap = new DataView(disk.buffer).getUint32(2 * block, true) * block;
    const offsets = [...span(1024, 2048), ...span(2048, 2048 + 64), ...span(bitmap, bitmap + 1024)];
    forEachFlip(disk, offsets, (offset) => {
      const source = memorySource(disk);
      if (!extReader.recognises(source)) return;
      const report = extReader.read(source);
      expect(rangesCover(report.used, used), `byte ${offset}`).toBe(true);
      expect(report.rawBecause, `byte ${offset}`).toBeDefined();
    });
  });

  test("loses nothing when any byte of ext2's bitmap or descriptor is flipped", () => {
    const vector = readVector("filesystem/ext2.json");
    const disk = diskOf(vector);
    const used = usedByTool(vector);
    const block = vector.blockBytes ?? 0;
    const bitmap = new DataView(disk.buffer).getUint32(2 * block, true) * block;
    const bits = (vector.sectorCount * 512) / block;
    const offsets = [...span(2048, 2048 + 12), ...span(bitmap, bitmap + bits / 8 - 1)];
    forEachFlip(disk, offsets, (offset) => {
      const report = extReader.read(memorySource(disk));
      expect(rangesCover(report.used, used), `byte ${offset}`).toBe(true);
    });
  });

  test.each([
    ["its journal needs recovery", 0x60, 0x4],
    ["orphan file is not empty", 0x64, 0x10000],
  ])("calls it dirty when %s", (because, offset, bit) => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    put(disk, offset, get(disk, offset) | bit, 4);
    seal(disk);
    const report = extReader.read(memorySource(disk));
    expect(report.state).toBe("dirty");
    expect(report.rawBecause).toContain(because);
    expect(report.used).toEqual([{ start: 0, end: disk.byteLength / 512 }]);
  });

  test.each([
    ["not unmounted", 0x3a, 0, 2],
    ["recorded errors", 0x3a, 3, 2],
    ["deleted files wait", 0xe8, 12, 4],
  ] as const)("calls it dirty when it says %s", (because, offset, value, bytes) => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    put(disk, offset, value, bytes);
    seal(disk);
    const report = extReader.read(memorySource(disk));
    expect([report.state, report.rawBecause]).toEqual(["dirty", expect.stringContaining(because)]);
  });

  test("calls it dirty when multi-mount protection is on and its block is not clean", () => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    put(disk, 0x60, get(disk, 0x60) | 0x100, 4);
    seal(disk);
    expect(extReader.read(memorySource(disk)).rawBecause).toMatch(/another system has it open/);
  });

  test.each([
    [0x5c, 0x40000000, "FEATURE_C30"],
    [0x60, 0x1, "FEATURE_I0"],
    [0x64, 0x80, "FEATURE_R7"],
  ])("keeps everything when feature word %i has an unknown bit", (offset, bit, name) => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    put(disk, offset, get(disk, offset) | bit, 4);
    seal(disk);
    const report = extReader.read(memorySource(disk));
    expect(report.state).toBe("unknown");
    expect(report.rawBecause).toContain(name);
  });

  test("keeps everything when the journal is elsewhere or this is a journal", () => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    put(disk, 0x5c, get(disk, 0x5c) | 0x4, 4);
    seal(disk);
    expect(extReader.read(memorySource(disk)).rawBecause).toBe("its journal is on another device");
    put(disk, 0x60, get(disk, 0x60) | 0x8, 4);
    seal(disk);
    expect(extReader.read(memorySource(disk)).rawBecause).toMatch(/journal of another/);
  });

  test("keeps what lies behind the file system", () => {
    const vector = readVector("filesystem/ext4.json");
    const larger = new Uint8Array((vector.sectorCount + 100) * 512);
    larger.set(diskOf(vector));
    const { used } = extReader.read(memorySource(larger));
    const end = vector.sectorCount;
    expect(rangesCover(used, [{ start: end, end: end + 100 }])).toBe(true);
  });

  test("widens the map to whole sectors when these are larger than blocks", () => {
    const vector = readVector("filesystem/ext4.json");
    const { used } = extReader.read(memorySource(diskOf(vector), 4096));
    const inSmall = used.map(({ start, end }) => ({ start: start * 8, end: end * 8 }));
    expect(rangesCover(inSmall, usedByTool(vector))).toBe(true);
  });

  test("is not confused by partitions too short for a superblock", () => {
    expect(extReader.recognises(memorySource(new Uint8Array(1024)))).toBe(false);
  });
});
