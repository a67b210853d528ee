/**
 * Goal: promise P13; what the image does not hold survives nowhere a tool would recognise it.
 * Method: disks with remains of RAID members and of another file system are loaded and asked by
 * blkid and wipefs, which must say what they say of the source. Superblocks of md are written by
 * hand after the kernel's md_p.h, those of btrfs were made by mkfs.btrfs (test/vectors/remains).
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { imagePlace } from "../../server/cli/local/image-place.ts";
import { restoreLocally } from "../../server/cli/local/restore-locally.io.ts";
import { saveImage } from "../../server/cli/local/save-locally.io.ts";
import type { TerminalReporter } from "../../server/cli/terminal-reporter.io.ts";
import { readVector, type SparseVector } from "../rig/disk-fixtures.ts";
import { cutOut, hasTool, makeFile, MIB, putBytes, putInto, run } from "../rig/disk-tools.ts";

const folder = mkdtempSync(join(tmpdir(), "huck-remains-"));
const path = (name: string): string => join(folder, name);
const never = new AbortController().signal;
const quiet: TerminalReporter = { event: () => undefined, progress: () => undefined };
const START = MIB;
let images = 0;

beforeEach(() => {
  images += 1;
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Makes a disk with one partition of so many bytes. */
function makeDisk(name: string, diskBytes: number, length: number): string {
  makeFile(path(name), diskBytes);
  run("sgdisk", "-o", "-n", `1:2048:+${length / MIB}M`, path(name));
  return path(name);
}

async function saveAndRestore(source: string, target: string): Promise<void> {
  const place = imagePlace(`i${images}`, path("store"));
  const how = { rawIfDirty: false, level: 1, codec: "auto", tool: "huck", host: "test" } as const;
  await saveImage({ source, place, ...how }, quiet, never);
  const image = path(`store/i${images}.huck`);
  const task = { image, target, erase: target, verify: "full", codec: "auto" } as const;
  await restoreLocally(task, quiet, never);
}

/** What blkid and wipefs find in the partition and on the whole disk, times and places aside. */
function seenBy(disk: string, length: number): string[] {
  cutOut(disk, START, length, path("part"));
  return [path("part"), disk].flatMap((file) => [
    run("blkid", "-p", "-o", "value", "-s", "TYPE", "-s", "PTTYPE", file),
    run("wipefs", "-n", "-i", "-O", "TYPE,OFFSET,UUID", file),
  ]);
}

/** md 0.90: 4 KiB in the last whole 64 KiB of the device (linux/raid/md_p.h). */
function md090(): Buffer {
  const superblock = Buffer.alloc(4096);
  const words = [0xa92b4efc, 0, 90, 0, 0, 1, 1600000000, 1, 61376, 2, 2, 0, 0, 2, 3, 4];
  words.forEach((word, index) => superblock.writeUInt32LE(word, index * 4));
  return superblock;
}

/** md 1.0: 8 KiB before the end, on 4 KiB (linux/raid/md_p.h). */
function md10(superOffset: number): Buffer {
  const superblock = Buffer.alloc(4096);
  superblock.writeUInt32LE(0xa92b4efc, 0);
  superblock.writeUInt32LE(1, 4); // major version
  superblock.fill(7, 16, 32); // set UUID
  superblock.write("old:raid", 32);
  superblock.writeUInt32LE(1, 72); // level
  superblock.writeBigUInt64LE(BigInt(superOffset / 512), 144);
  superblock.writeUInt32LE(1, 220); // max_dev
  let sum = 0n; // calc_sb_1_csum(): the sum of all words, carries added
  for (let at = 0; at < 256 + 2; at += 4) {
    sum +=
      at + 4 <= 258 ? BigInt(superblock.readUInt32LE(at)) : BigInt(superblock.readUInt16LE(at));
  }
  superblock.writeUInt32LE(Number(((sum & 0xffffffffn) + (sum >> 32n)) & 0xffffffffn), 216);
  return superblock;
}

function putVector(disk: string, offset: number, vector: SparseVector): void {
  for (const [lba, hex] of Object.entries(vector.sectors)) {
    putBytes(disk, offset + Number(lba) * 512, Buffer.from(hex, "hex"));
  }
}

describe.skipIf(!hasTool("blkid") || !hasTool("wipefs"))("remains on the target", () => {
  test.each([
    [
      "an md 0.90 superblock",
      (length: number) => Math.floor(length / 65536) * 65536 - 65536,
      md090,
    ],
    ["an md 1.0 superblock", (length: number) => length - 8192, md10],
  ] as const)(
    "P13: %s at the end of a partition is gone after a load",
    async (_name, place, make) => {
      const length = 60 * MIB;
      const source = makeDisk("source", 96 * MIB, length);
      run("mke2fs", "-q", "-F", "-t", "ext4", "-E", `offset=${START}`, source, "60M");
      const target = makeDisk("target", 96 * MIB, length);
      const offset = place(length);
      putBytes(target, START + offset, make(offset));
      expect(seenBy(target, length).join()).toMatch(/linux_raid_member/);
      await saveAndRestore(source, target);
      expect(seenBy(target, length)).toEqual(seenBy(source, length));
    },
  );

  test("P13: a swap partition over btrfs is swap and nothing else", async () => {
    const length = 120 * MIB;
    const source = makeDisk("source", 160 * MIB, length);
    makeFile(path("swap"), length);
    run("mkswap", path("swap"));
    putInto(source, START, path("swap"));
    const target = makeDisk("target", 160 * MIB, length);
    const btrfs = readVector("remains/btrfs.json");
    putVector(target, START, btrfs);
    expect(seenBy(target, length).join()).toMatch(/btrfs/);
    await saveAndRestore(source, target);
    expect(seenBy(target, length)).toEqual(seenBy(source, length));
    cutOut(target, START, length, path("part"));
    for (const lba of Object.keys(btrfs.sectors)) {
      cutOut(path("part"), Number(lba) * 512, 512, path("sector"));
      expect(run("cmp", "-n", "512", path("sector"), "/dev/zero"), `sector ${lba}`).toBe("");
    }
  });

  test("P13: the table of a former owner of the whole disk is gone on a larger one", async () => {
    const source = makeDisk("source", 96 * MIB, 60 * MIB);
    run("mke2fs", "-q", "-F", "-t", "ext4", "-E", `offset=${START}`, source, "60M");
    const former = makeDisk("target", 96 * MIB, 90 * MIB); // its backup GPT will be in the middle
    run("truncate", "-s", `${192 * MIB}`, former);
    putBytes(former, 192 * MIB - 65536, md090()); // and the whole disk was a member
    await saveAndRestore(source, former);
    expect(run("sgdisk", "-v", former)).toMatch(/No problems found/);
    const [part] = seenBy(former, 60 * MIB);
    expect(part).toBe(seenBy(source, 60 * MIB)[0]);
    expect(run("blkid", "-p", "-o", "value", "-s", "PTTYPE", "-s", "TYPE", former)).toBe("gpt\n");
    cutOut(former, 96 * MIB - 512, 512, path("sector"));
    expect(run("cmp", "-n", "512", path("sector"), "/dev/zero")).toBe("");
  });

  test("P13: a loaded disk saves under the id that it was loaded from", async () => {
    const length = 60 * MIB;
    const source = makeDisk("source", 96 * MIB, length);
    run("mke2fs", "-q", "-F", "-t", "ext4", "-E", `offset=${START}`, source, "60M");
    const target = makeDisk("target", 96 * MIB, length);
    putBytes(target, START + length - 65536, md090());
    await saveAndRestore(source, target);
    copyFileSync(target, path("again"));
    const place = imagePlace(`again${images}`, path("store"));
    const how = { rawIfDirty: false, level: 1, codec: "auto", tool: "huck", host: "test" } as const;
    const again = await saveImage({ source: path("again"), place, ...how }, quiet, never);
    const first = imagePlace(`first${images}`, path("store"));
    expect(again.id).toBe((await saveImage({ source, place: first, ...how }, quiet, never)).id);
  });
});
