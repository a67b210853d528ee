/**
 * Goal: our maps equal those of the file systems' own tools, feature by feature.
 * Method: mke2fs, mkfs.vfat and mkswap make file systems with real files in them; dumpe2fs and
 * fsck.fat are asked.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { rangesCover, totalOfRanges } from "../../shared/core/ranges.ts";
import { memorySource } from "../rig/memory-source.ts";
import type { FsReport } from "../../shared/filesystem/reader.ts";
import { readFileSystem } from "../../shared/filesystem/probe.ts";
import { makeExt, makeFile, makeTree, MIB, run, usedByDumpe2fs } from "../rig/disk-tools.ts";
import { fileFolder } from "../rig/folder.ts";

const folder = fileFolder();
const tree = join(folder, "tree");
const file = join(folder, "file");
const SIZE = 96 * MIB;

beforeAll(() => {
  makeTree(tree, 1, 8);
});

function report(sectorBytes = 512): FsReport {
  return readFileSystem(memorySource(readFileSync(file), sectorBytes));
}

const EXT: readonly (readonly [string, readonly string[]])[] = [
  ["ext4", []],
  ["ext3", []],
  ["ext2", []],
  ["ext4", ["-b", "4096"]],
  ["ext4", ["-b", "2048"]],
  ["ext4", ["-b", "1024", "-g", "2048"]],
  ["ext4", ["-O", "^64bit"]],
  ["ext4", ["-O", "^flex_bg"]],
  ["ext4", ["-O", "^metadata_csum,uninit_bg"]],
  ["ext4", ["-O", "^metadata_csum,^uninit_bg"]],
  ["ext4", ["-O", "metadata_csum_seed"]],
  ["ext4", ["-O", "sparse_super2"]],
  ["ext4", ["-O", "meta_bg,^resize_inode", "-b", "1024", "-g", "512"]],
  ["ext4", ["-O", "meta_bg,^resize_inode,^flex_bg", "-b", "1024", "-g", "512"]],
  ["ext4", ["-O", "mmp"]],
  ["ext4", ["-O", "orphan_file"]],
  ["ext4", ["-O", "inline_data"]],
  ["ext4", ["-O", "^has_journal"]],
  ["ext4", ["-E", "lazy_itable_init=1,lazy_journal_init=1"]],
  ["ext2", ["-O", "^sparse_super,^resize_inode", "-b", "1024", "-g", "2048"]],
];

describe("ext2, ext3, ext4", () => {
  test.each(EXT)("%s made with %j has the map that dumpe2fs prints", (kind, args) => {
    makeExt(file, SIZE, tree, ["-t", kind, ...args]);
    const found = report();
    expect([found.kind, found.state, found.rawBecause]).toEqual([kind, "clean", undefined]);
    expect(found.used).toEqual(usedByDumpe2fs(file, SIZE));
    const wide = report(4096).used.map(({ start, end }) => ({ start: start * 8, end: end * 8 }));
    expect(rangesCover(wide, found.used)).toBe(true);
  });

  test.each([
    ["1024", "16384", 16],
    ["4096", "16384", 4],
  ] as const)("bigalloc with blocks of %s and clusters of %s bytes", (block, cluster, ratio) => {
    makeExt(file, SIZE, tree, ["-t", "ext4", "-O", "bigalloc", "-b", block, "-C", cluster]);
    const found = report();
    expect([found.state, found.rawBecause]).toEqual(["clean", undefined]);
    expect(found.used).toEqual(usedByDumpe2fs(file, SIZE, ratio));
  });

  test("stays right after files were removed and others written", () => {
    makeExt(file, SIZE, tree, ["-t", "ext4"]);
    for (let index = 0; index < 60; index += 1) {
      run("debugfs", "-w", "-R", `rm /d${index % 17}/small-${index}`, file);
    }
    run("debugfs", "-w", "-R", `write ${join(tree, "large-1")} /again`, file);
    const found = report();
    expect(found.rawBecause).toBeUndefined();
    expect(found.used).toEqual(usedByDumpe2fs(file, SIZE));
  });

  test.each([
    ["feature needs_recovery", "dirty", "its journal needs recovery"],
    ["feature orphan_present", "dirty", "its orphan file is not empty"],
    ["ssv state 0", "dirty", "it was not unmounted in order"],
    ["ssv state 3", "dirty", "the kernel recorded errors in it"],
    ["ssv last_orphan 12", "dirty", "deleted files wait to be released"],
    ["ssv free_blocks_count 7", "unknown", "the superblock counts 7 free blocks"],
    ["set_bg 0 free_blocks_count 7", "unknown", "the descriptor of group 0 fails its checksum"],
    ["freeb 20000 100", "clean", undefined],
  ] as const)("after `debugfs %s` it is %s", (command, state, because) => {
    makeExt(file, SIZE, tree, ["-t", "ext4", "-b", "1024"]);
    if (command.startsWith("freeb")) run("debugfs", "-w", "-R", "setb 20000 100", file);
    run("debugfs", "-w", "-R", command, file);
    const found = report();
    expect(found.state).toBe(state);
    if (because === undefined) expect(found.rawBecause).toBeUndefined();
    else expect(found.rawBecause).toContain(because);
  });
});

describe("FAT", () => {
  test.each([
    ["12", 1440 * 1024, 512],
    ["12", 4 * MIB, 512],
    ["16", 32 * MIB, 512],
    ["32", 64 * MIB, 512],
    ["32", 300 * MIB, 4096],
  ] as const)(
    "FAT%s of %i bytes has as many clusters in use as fsck.fat says",
    (bits, size, sector) => {
      makeFile(file, size);
      const wide = sector === 4096 ? ["-S", "4096"] : ["-s", bits === "32" ? "1" : "2"];
      run("mkfs.vfat", "-F", bits, ...wide, file);
      run("mcopy", "-i", file, "-s", join(tree, "d1"), join(tree, "d2"), "::");
      const found = report(sector);
      expect([found.kind, found.state]).toEqual([`fat${bits}`, "clean"]);
      const printed = run("fsck.fat", "-n", "-v", file);
      const [, used, all] = /(\d+)\/(\d+) clusters/.exec(printed) ?? [];
      const data = Number(/Data area starts at byte (\d+)/.exec(printed)?.[1]);
      const clusters = Number(all) * found.blockBytes;
      const tail = size - data - clusters;
      const wanted = data + Number(used) * found.blockBytes + tail;
      expect(totalOfRanges(found.used) * sector).toBe(wanted);
    },
  );
});

describe("swap", () => {
  test("an area made by mkswap keeps its first page", () => {
    makeFile(file, 16 * MIB);
    run("mkswap", "-L", "lab", file);
    const found = report();
    expect([found.kind, found.state, found.label]).toEqual(["swap", "clean", "lab"]);
    expect(found.used).toEqual([{ start: 0, end: 8 }]);
  });
});
