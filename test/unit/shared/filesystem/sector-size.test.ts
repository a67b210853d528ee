/**
 * Goal: a file is read with the sector size that it was made for, or the doubt is said. Method: the
 * same file systems behind tables that count in sectors of either size.
 */
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../rig/memory-source.ts";
import { guessSectorBytes } from "../../../../shared/filesystem/sector-size.ts";
import { diskOf, putGpt, putMbr, readVector } from "../../../rig/disk-fixtures.ts";

const START = 64;
const FILE_SYSTEM = diskOf(readVector("filesystem/ext4.json"));

function mbrDisk(type = 0x83): Uint8Array {
  const disk = new Uint8Array(START * 4096 + FILE_SYSTEM.byteLength);
  putMbr(disk, 0, [{ start: START, sectorCount: FILE_SYSTEM.byteLength / 4096, type }]);
  return disk;
}

function gptDisk(sectorBytes: number): Uint8Array {
  const disk = new Uint8Array(300 * sectorBytes);
  putGpt(disk, sectorBytes, [{ start: 64, sectorCount: 100 }]);
  return disk;
}

describe("guessSectorBytes()", () => {
  test.each([
    ["a GPT for 512", gptDisk(512), 512],
    ["a GPT for 4096", gptDisk(4096), 4096],
    ["nothing", new Uint8Array(512 * 100), 512],
    ["one sector", new Uint8Array(512), 512],
    ["an MBR whose partitions are zeros", mbrDisk(), 512],
  ])("finds %s", (_, disk, sectorBytes) => {
    expect(guessSectorBytes(memorySource(disk))).toEqual({ sectorBytes });
  });

  test.each([512, 4096] as const)("finds the file system of an MBR for %i", (sectorBytes) => {
    const disk = mbrDisk();
    const view = new DataView(disk.buffer);
    view.setUint32(446 + 12, FILE_SYSTEM.byteLength / sectorBytes, true);
    disk.set(FILE_SYSTEM, START * sectorBytes);
    expect(guessSectorBytes(memorySource(disk))).toEqual({ sectorBytes });
  });

  test("finds a container of 4096-byte sectors by its first EBR", () => {
    const disk = mbrDisk(5);
    putMbr(disk, START * 4096, [{ start: 8, sectorCount: 8 }]);
    expect(guessSectorBytes(memorySource(disk))).toEqual({ sectorBytes: 4096 });
  });

  test("finds a swap area where sectors of 4096 put it", () => {
    const disk = mbrDisk(0x82);
    disk.set(Buffer.from("SWAPSPACE2"), START * 4096 + 4086);
    expect(guessSectorBytes(memorySource(disk)).sectorBytes).toBe(4096);
  });

  test("says its doubt when both sizes lead to a file system, or to unknown data", () => {
    const both = mbrDisk();
    const view = new DataView(both.buffer);
    view.setUint32(446 + 12, FILE_SYSTEM.byteLength / 512, true);
    both.set(FILE_SYSTEM, START * 4096);
    both.set(Buffer.from("XFSB"), START * 512);
    expect(guessSectorBytes(memorySource(both))).toMatchObject({
      sectorBytes: 512,
      doubt: expect.stringContaining("--sector-bytes 4096") as string,
    });
    const noise = mbrDisk();
    noise.fill(0x5a, START * 4096);
    expect(guessSectorBytes(memorySource(noise)).doubt).toMatch(/512 was taken/);
  });

  test("says nothing when the table fits sectors of 512 alone", () => {
    const disk = mbrDisk().fill(0x5a, 512);
    putMbr(disk, 0, [{ start: 600, sectorCount: 100 }]);
    expect(guessSectorBytes(memorySource(disk))).toEqual({ sectorBytes: 512 });
  });
});
