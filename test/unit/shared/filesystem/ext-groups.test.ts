/**
 * Goal: numbers of a hostile superblock lead to a sentence, never to a crash, a hang or a short
 * map. Method: a real file system without checksums, whose superblock and descriptors get random
 * values.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../rig/memory-source.ts";
import { usedBlocks } from "../../../../shared/filesystem/ext-groups.ts";
import { readExtSuperblock } from "../../../../shared/filesystem/ext-superblock.ts";
import { diskOf, readVector } from "../../../rig/disk-fixtures.ts";

const disk = diskOf(readVector("filesystem/ext2.json"));
const source = memorySource(disk);
const before = disk.slice();

/** Superblock fields that decide sizes and places, and the first two descriptors. */
const OFFSETS = [0x4, 0x14, 0x18, 0x1c, 0x20, 0x28, 0x4c, 0x58, 0x60, 0x64, 0xce, 0xfe, 0x104];

describe("usedBlocks()", () => {
  test("gives a map or a sentence for any numbers in the superblock", () => {
    let maps = 0;
    const words = fc.tuple(
      fc.constantFrom(...OFFSETS),
      fc.oneof(fc.nat(40), fc.nat(), fc.constantFrom(0xffffffff, 0x80000000, 1024, 8192)),
    );
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 3 }), (changes) => {
        disk.set(before);
        const view = new DataView(disk.buffer);
        for (const [offset, value] of changes) view.setUint32(1024 + offset, value, true);
        const superblock = readExtSuperblock(source);
        if (typeof superblock === "string") return;
        const used = usedBlocks(source, superblock);
        if (typeof used === "string") return;
        maps += 1;
        expect(used.ranges[0]?.start).toBeLessThanOrEqual(1024); // the superblock is in use
        expect(used.ranges[0]?.end).toBeGreaterThanOrEqual(2048);
        for (const { start, end } of used.ranges) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeLessThanOrEqual(superblock.blocksCount * superblock.blockBytes);
        }
      }),
      { numRuns: 300 },
    );
    expect(maps).toBeGreaterThan(0);
  });

  test.each([
    ["more groups than it looks at", [2 ** 18 + 1, 8192, 1], /^it has 262145 groups/],
    ["a group for each 8 KiB", [2 ** 12, 8, 1], /^its groups have 8 clusters/],
    ["a group for each 16 clusters", [2 ** 12, 256, 16], /^its groups have 16 clusters/],
  ])("reads nothing of a file system with %s", (_, numbers, message) => {
    const [groupCount = 0, blocksPerGroup = 0, clusterRatio = 0] = numbers;
    disk.set(before);
    const superblock = readExtSuperblock(source);
    if (typeof superblock === "string") throw new Error(superblock);
    const unread = { ...source, read: () => expect.unreachable("it was read") };
    const hostile = { ...superblock, groupCount, blocksPerGroup, clusterRatio };
    expect(usedBlocks(unread, hostile)).toMatch(message);
  });

  test("looks at the smallest groups that mke2fs makes", () => {
    disk.set(before);
    const superblock = readExtSuperblock(source);
    if (typeof superblock === "string") throw new Error(superblock);
    const small = { ...superblock, groupCount: 8, blocksPerGroup: 256 };
    expect(usedBlocks(source, small)).toMatch(/group|superblock/); // of other groups, so it doubts
    expect(usedBlocks(source, small)).not.toMatch(/fewer than/);
  });

  test.each([
    ["a block bitmap outside", 0, 0xffffff],
    ["an inode bitmap on the superblock", 4, 1],
    ["an inode table that leaves the file system", 8, 2047],
  ])("refuses a descriptor with %s", (_, offset, value) => {
    disk.set(before);
    new DataView(disk.buffer).setUint32(2048 + offset, value, true);
    const superblock = readExtSuperblock(source);
    expect(typeof superblock).toBe("object");
    if (typeof superblock === "string") return;
    expect(usedBlocks(source, superblock)).toMatch(/metadata of group 0 lie outside/);
  });
});
