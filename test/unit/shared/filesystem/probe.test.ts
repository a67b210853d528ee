/**
 * Goal: a partition is read by our readers only when nothing else claims it; the reason names what
 * does. Method: signatures planted into empty and into real file systems.
 */
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../rig/memory-source.ts";
import { readFileSystem } from "../../../../shared/filesystem/probe.ts";
import { findSignatures } from "../../../../shared/filesystem/signatures.ts";
import { diskOf, readVector } from "../../../rig/disk-fixtures.ts";

const SIZE = 256 * 1024;

/** [name, offset, bytes as Latin-1]. */
const SIGNATURES: readonly (readonly [string, number, string])[] = [
  ["crypto_LUKS", 0, "LUKS\xba\xbe"],
  ["bitlocker", 3, "-FVE-FS-"],
  ["lvm2", 512 + 24, "LVM2 001"],
  ["linux_raid", 4096, "\xfc\x4e\x2b\xa9"],
  ["linux_raid", SIZE - 8192, "\xfc\x4e\x2b\xa9"],
  ["linux_raid", SIZE - 65536, "\xfc\x4e\x2b\xa9"],
  ["zfs_member", 128 * 1024, "\x0c\xb1\xba\0\0\0\0\0"],
  ["zfs_member", 255 * 1024, "\0\0\0\0\0\xba\xb1\x0c"],
  ["ntfs", 3, "NTFS    "],
  ["exfat", 3, "EXFAT   "],
  ["xfs", 0, "XFSB"],
  ["btrfs", 65536 + 64, "_BHRfS_M"],
  ["f2fs", 1024, "\x10\x20\xf5\xf2"],
  ["iso9660", 32769, "CD001"],
];

describe("readFileSystem()", () => {
  test.each(SIGNATURES)("keeps %s at byte %i whole and names it", (name, offset, text) => {
    const disk = new Uint8Array(SIZE);
    disk.set(Buffer.from(text, "latin1"), offset);
    const report = readFileSystem(memorySource(disk));
    expect(report.kind).toBe(name);
    expect(report.rawBecause).toMatch(/^it is an? /);
    expect(report.used).toEqual([{ start: 0, end: SIZE / 512 }]);
  });

  test("keeps a partition whole when nothing is recognised", () => {
    const report = readFileSystem(memorySource(new Uint8Array(SIZE)));
    expect([report.kind, report.state]).toEqual(["raw", "unknown"]);
    expect(report.rawBecause).toBe("no known file system was found in it");
  });

  test("keeps an ext4 whole when it lies in a RAID member", () => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    disk.set(Buffer.from("fc4e2ba9", "hex"), disk.byteLength - 8192);
    expect(readFileSystem(memorySource(disk)).kind).toBe("linux_raid");
  });

  test.each([
    ["the second label at the head", 256 + 128],
    ["the first label at the end", 2048 - 512 + 129],
    ["the last label", 2048 - 1],
  ])("trusts no ext4 below the uberblock of %s", (_, offsetKib) => {
    const disk = new Uint8Array(2048 * 1024 + 512); // labels at the end are aligned
    disk.set(diskOf(readVector("filesystem/ext4.json")));
    expect(readFileSystem(memorySource(disk)).kind).toBe("ext4");
    disk.set(Buffer.from("0cb1ba0000000000", "hex"), offsetKib * 1024);
    const report = readFileSystem(memorySource(disk));
    expect([report.kind, report.rawBecause]).toEqual([
      "zfs_member",
      "it is a member of a ZFS pool",
    ]);
    expect(report.used).toEqual([{ start: 0, end: disk.byteLength / 512 }]);
  });

  test("keeps a partition whole when two file systems claim it", () => {
    const disk = diskOf(readVector("filesystem/ext4.json"));
    disk.set(Buffer.from("XFSB"));
    const report = readFileSystem(memorySource(disk));
    expect(report.rawBecause).toBe("it carries the signatures of ext4 and xfs");
  });

  test.each(["ext4", "ext2", "fat12", "fat16", "fat32"])("hands %s to its reader", (name) => {
    const report = readFileSystem(memorySource(diskOf(readVector(`filesystem/${name}.json`))));
    expect([report.kind, report.state, report.rawBecause]).toEqual([name, "clean", undefined]);
  });
});

describe("findSignatures()", () => {
  test("lists opaque containers first and each name once", () => {
    const disk = new Uint8Array(SIZE);
    disk.set(Buffer.from("XFSB"));
    disk.set(Buffer.from("LVM2 001"), 24 + 512);
    disk.set(Buffer.from("LVM2 001"), 24 + 1024);
    expect(findSignatures(memorySource(disk)).map(({ name }) => name)).toEqual(["lvm2", "xfs"]);
  });
});
