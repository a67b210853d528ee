/**
 * Goal: a real disk survives save and restore, whichever codec, on the same and on other sizes;
 * what must be refused is refused before anything is written. Method: disks made by sgdisk, sfdisk,
 * mke2fs, mkfs.vfat and mkswap; restored ones are checked by the tools themselves.
 */
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { imagePlace } from "../../server/cli/local/image-place.ts";
import { restoreLocally } from "../../server/cli/local/restore-locally.io.ts";
import { saveImage } from "../../server/cli/local/save-locally.io.ts";
import { openSource } from "../../server/cli/local/disk-source.io.ts";
import { openPlaces } from "../../server/store/image-file.io.ts";
import { openImageAt } from "../../server/store/open-images.io.ts";
import { planDisk, usedSectors } from "../../shared/allocation/plan.ts";
import { type CodecChoice, createChunkCodec } from "../../shared/image/codec.ts";
import type { ImageSummary } from "../../shared/image/summary.ts";
import type { ChunkCodec } from "../../shared/image/chunk-codec.ts";
import { checkImage, type ImageCheck } from "../../shared/image/verify.ts";
import type { TerminalReporter } from "../../server/cli/terminal-reporter.io.ts";
import { cutOut, makeExt, makeFile, makeTree, MIB, putInto, run } from "../rig/disk-tools.ts";
import { fileFolder } from "../rig/folder.ts";

const folder = fileFolder();
const path = (name: string): string => join(folder, name);
const never = new AbortController().signal;
const quiet: TerminalReporter = { event: () => undefined, progress: () => undefined };

const DISK_BYTES = 256 * MIB;
/** ESP at 1 MiB, swap at 65 MiB, ext4 from 81 MiB up to the last sector that sgdisk allows. */
const FAT = { offset: MIB, length: 64 * MIB };
const SWAP = { offset: 65 * MIB, length: 16 * MIB };
const EXT = { offset: 81 * MIB, length: 174 * MIB };

async function save(
  source: string,
  name: string,
  codec: CodecChoice = "auto",
): Promise<ImageSummary> {
  const place = imagePlace(name, path("store"));
  const task = { source, place, rawIfDirty: false, level: 3, codec, tool: "huck", host: "test" };
  return await saveImage(task, quiet, never);
}

async function restore(name: string, target: string): Promise<void> {
  const image = path(`store/${name}.huck`);
  const task = { image, target, erase: target, verify: "full", codec: "auto" } as const;
  await restoreLocally(task, quiet, never);
}

async function check(image: string, pool: ChunkCodec): Promise<ImageCheck> {
  const { index, places, ...opened } = await openImageAt(image);
  opened.close();
  const file = openPlaces(places);
  try {
    return await checkImage(file, index, pool, () => undefined);
  } finally {
    file.close();
  }
}

/** Asks each tool about its part; a tool that finds fault fails the test. */
function checkWithTools(disk: string): void {
  expect(run("sgdisk", "-v", disk)).toMatch(/No problems found/);
  const part = path("part");
  cutOut(disk, FAT.offset, FAT.length, part);
  run("fsck.fat", "-n", part);
  cutOut(disk, EXT.offset, EXT.length, part);
  run("e2fsck", "-fn", part);
  cutOut(disk, SWAP.offset, SWAP.length, part);
  expect(run("swaplabel", part)).toMatch(/LABEL: *lab/);
}

beforeAll(() => {
  makeTree(path("tree"), 2, 40);
  makeFile(path("disk"), DISK_BYTES);
  const sizes = ["-n", "1:2048:+64M", "-n", "2:0:+16M", "-n", "3:0:+174M"];
  run("sgdisk", ...sizes, "-t", "1:ef00", "-t", "2:8200", "-t", "3:8300", path("disk"));
  makeFile(path("fat"), FAT.length);
  run("mkfs.vfat", "-F", "32", "-s", "1", path("fat"));
  run("mcopy", "-i", path("fat"), "-s", path("tree/d1"), path("tree/large-1"), "::");
  makeFile(path("swap"), SWAP.length);
  run("mkswap", "-L", "lab", path("swap"));
  makeExt(path("ext"), EXT.length, path("tree"), ["-t", "ext4"]);
  putInto(path("disk"), FAT.offset, path("fat"));
  putInto(path("disk"), SWAP.offset, path("swap"));
  putInto(path("disk"), EXT.offset, path("ext"));
});

describe("a GPT disk with FAT32, swap and ext4", () => {
  test("save, restore, save: same id, used sectors equal, tools content", async () => {
    const first = await save(path("disk"), "first");
    expect(first.usedBytes).toBeLessThan(DISK_BYTES / 2);
    writeFileSync(path("copy"), new Uint8Array(DISK_BYTES).fill(0x77)); // a former tenant
    await restore("first", path("copy"));
    checkWithTools(path("copy"));
    const second = await save(path("copy"), "second");
    expect(second.id).toBe(first.id);
    const source = openSource(path("disk"));
    const used = usedSectors(planDisk(source, { rawIfDirty: false }));
    source.close();
    const [one, two] = [readFileSync(path("disk")), readFileSync(path("copy"))];
    for (const { start, end } of used) {
      const equal = one.compare(two, start * 512, end * 512, start * 512, end * 512);
      expect(equal, `sectors ${start} to ${end}`).toBe(0);
    }
  });

  test("zstd-napi and node:zlib give the same id, and each reads the other's image", async () => {
    const ids = new Set<string>();
    for (const [index, codec] of (["zstd-napi", "node:zlib"] as const).entries()) {
      ids.add((await save(path("disk"), `codec-${index}`, codec)).id);
      const other = await createChunkCodec(index === 0 ? "node:zlib" : "zstd-napi");
      expect((await check(path(`store/codec-${index}.huck`), other)).problemCount).toBe(0);
    }
    expect(ids.size).toBe(1);
  });

  test.each([-(512 * 1024), 100 * MIB])(
    "restores to a disk %i bytes larger",
    async (difference) => {
      const target = path("other-size");
      writeFileSync(target, "");
      truncateSync(target, DISK_BYTES + difference);
      await restore("first", target);
      checkWithTools(target);
      expect(run("sgdisk", "-p", target)).toMatch(/last usable sector is \d+/);
    },
  );

  test("refuses a disk smaller than the image needs and leaves it alone", async () => {
    const target = path("small");
    writeFileSync(target, new Uint8Array(200 * MIB).fill(0x77));
    await expect(restore("first", target)).rejects.toThrow(/has 209715200 bytes, \d+ wanted/);
    expect(readFileSync(target).every((byte) => byte === 0x77)).toBe(true);
  });

  test("refuses a torn image, names a flipped byte, and writes nothing of either", async () => {
    const whole = path("store/first.huck");
    copyFileSync(whole, path("store/torn.huck"));
    truncateSync(path("store/torn.huck"), readFileSync(whole).byteLength - 5000);
    await expect(restore("torn", path("untouched"))).rejects.toThrow(/writing was interrupted/);
    const flipped = readFileSync(whole);
    const at = flipped.byteLength >> 1;
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    writeFileSync(path("store/flipped.huck"), flipped);
    const found = await check(path("store/flipped.huck"), await createChunkCodec());
    expect(found.problemCount).toBe(1);
    expect(found.problems[0]).toMatchObject({ partition: 3 });
    const target = path("kept");
    writeFileSync(target, new Uint8Array(DISK_BYTES).fill(0x77));
    await expect(restore("flipped", target)).rejects.toThrow(
      /chunk \d+: its stored bytes are damaged/,
    );
    expect(readFileSync(target).every((byte) => byte === 0x77)).toBe(true);
  });

  test("refuses a dirty ext4 and keeps all of it when told to", async () => {
    copyFileSync(path("disk"), path("dirty"));
    copyFileSync(path("ext"), path("dirty-ext"));
    run("debugfs", "-w", "-R", "feature needs_recovery", path("dirty-ext"));
    putInto(path("dirty"), EXT.offset, path("dirty-ext"));
    await expect(save(path("dirty"), "dirty")).rejects.toThrow(
      "Cannot save partition 3 (ext4): its journal needs recovery, a clean one wanted",
    );
    const place = imagePlace("dirty", path("store"));
    const program = { level: 1, codec: "auto", tool: "huck", host: "test" } as const;
    const task = { source: path("dirty"), place, rawIfDirty: true, ...program };
    const { usedBytes } = await saveImage(task, quiet, never);
    expect(usedBytes).toBeGreaterThan(EXT.length);
  });
});

describe("an MBR disk with logical partitions", () => {
  test("save, restore, save: same id, sfdisk and e2fsck content", async () => {
    const disk = path("mbr");
    makeFile(disk, 64 * MIB);
    writeFileSync(path("sfdisk"), "label: dos\n,16M,L,*\n,,E\n,16M,L\n,20M,L\n");
    run("sh", "-c", `sfdisk -q ${disk} < ${path("sfdisk")}`);
    const starts = [...run("sfdisk", "-d", disk).matchAll(/start= *(\d+), size= *(\d+), type=83/g)];
    expect(starts).toHaveLength(3);
    for (const [index, [, start, size]] of starts.entries()) {
      const args = ["-t", index === 0 ? "ext2" : "ext4", "-O", "^has_journal"];
      makeTree(path(`tree-${index}`), index, 2);
      makeExt(path("logical"), Number(size) * 512, path(`tree-${index}`), args);
      putInto(disk, Number(start) * 512, path("logical"));
    }
    const first = await save(disk, "mbr");
    writeFileSync(path("mbr-copy"), new Uint8Array(64 * MIB).fill(0x77));
    await restore("mbr", path("mbr-copy"));
    expect((await save(path("mbr-copy"), "mbr-again")).id).toBe(first.id);
    const table = (of: string): string => run("sfdisk", "-d", of).replaceAll(of, "disk");
    expect(table(path("mbr-copy"))).toBe(table(disk));
    for (const [, start, size] of starts) {
      cutOut(path("mbr-copy"), Number(start) * 512, Number(size) * 512, path("logical"));
      run("e2fsck", "-fn", path("logical"));
    }
  });
});

/** Saves a disk, restores it over a former tenant, and saves that: the ids must be equal. */
async function roundTrip(disk: string): Promise<string> {
  const name = basename(disk);
  const first = await save(disk, name);
  const copy = `${disk}-copy`;
  writeFileSync(copy, new Uint8Array(statSync(disk).size).fill(0x77));
  await restore(name, copy);
  expect((await save(copy, `${name}-again`)).id).toBe(first.id);
  return copy;
}

describe("an MBR that names no partition, in front of what covers the whole disk", () => {
  test("an ext4 with a boot loader keeps all its files", async () => {
    const disk = path("superfloppy");
    makeExt(disk, 32 * MIB, path("tree/d1"), ["-t", "ext4"]);
    const code = Buffer.alloc(512, 0x90, "latin1").fill(0, 446, 510);
    code.writeUInt16LE(0xaa55, 510);
    writeFileSync(path("boot"), code);
    putInto(disk, 0, path("boot"));
    const copy = await roundTrip(disk);
    expect(readFileSync(copy).subarray(0, 512)).toEqual(code);
    run("e2fsck", "-fn", copy);
    expect(run("debugfs", "-R", "ls /", copy)).toContain("small-1");
  });

  test("a swap area keeps its header, and the empty label before it", async () => {
    const disk = path("swap-disk");
    makeFile(disk, 32 * MIB);
    run("sh", "-c", `echo 'label: dos' | sfdisk -q ${disk}`);
    run("mkswap", "-L", "whole", disk);
    expect(readFileSync(disk).readUInt16LE(510)).toBe(0xaa55); // mkswap spares a table
    const copy = await roundTrip(disk);
    expect(run("swaplabel", copy)).toMatch(/LABEL: *whole/);
    expect(readFileSync(copy).subarray(0, 4096)).toEqual(readFileSync(disk).subarray(0, 4096));
  });

  test("a swap area behind an empty GPT keeps its header", async () => {
    const disk = path("swap-gpt");
    makeFile(disk, 32 * MIB);
    run("sgdisk", "-o", disk);
    run("mkswap", "-L", "whole", disk);
    const copy = await roundTrip(disk);
    expect(run("swaplabel", copy)).toMatch(/LABEL: *whole/);
  });
});

describe("a table that goes on beyond the first MiB, and a first partition beyond 64 MiB", () => {
  const table = (of: string): string => run("sfdisk", "-d", of).replaceAll(of, "disk");

  test("keeps the EBR of an extended partition whose first logical is gone", async () => {
    const disk = path("far-logical");
    makeFile(disk, 160 * MIB);
    writeFileSync(path("sfdisk"), "label: dos\nstart=2048,type=5\n,80M,L\n,16M,L\n");
    run("sh", "-c", `sfdisk -q ${disk} < ${path("sfdisk")}`);
    run("sfdisk", "-q", "--delete", disk, "5");
    expect(table(disk)).toMatch(/type=83/);
    expect(table(await roundTrip(disk))).toBe(table(disk));
  });

  test("keeps GPT entries that sgdisk moved", async () => {
    const disk = path("far-gpt");
    makeFile(disk, 160 * MIB);
    run("sgdisk", "-j", "4096", "-n", "1:262144:+16M", disk);
    const copy = await roundTrip(disk);
    expect(run("sgdisk", "-v", copy)).toMatch(/No problems found/);
    expect(run("sgdisk", "-p", copy)).not.toMatch(/damaged|corrupt/i);
    expect(table(copy)).toBe(table(disk));
  });
});

describe.skipIf(process.getuid?.() !== 0)("a disk that is mounted", () => {
  test("is neither saved nor written, and may be both once it is not", async () => {
    const disk = path("mounted");
    const place = path("mnt");
    mkdirSync(place);
    makeExt(disk, 16 * MIB, path("tree/d1"), ["-t", "ext4"]);
    const first = await save(disk, "mounted");
    const loop = run("losetup", "-f", "--show", disk).trim();
    try {
      run("mount", loop, place);
      try {
        await expect(save(loop, "never")).rejects.toThrow(/mounted read-write on/);
        await expect(save(disk, "never")).rejects.toThrow(/mounted read-write on/);
        await expect(restore("mounted", loop)).rejects.toThrow(/mounted read-write on/);
        await expect(restore("mounted", disk)).rejects.toThrow(/mounted read-write on/);
      } finally {
        run("umount", place);
      }
      await restore("mounted", loop);
      expect((await save(loop, "by-loop")).id).toBe(first.id);
    } finally {
      run("losetup", "-d", loop);
    }
    run("e2fsck", "-fn", disk);
  });
});
