/**
 * Goal: promise P13; what the image does not hold survives nowhere a tool would recognise it.
 * Method: targets full of other people's signatures (test/rig/remains.ts) are loaded and asked by
 * blkid, wipefs and mdadm, which must say what they say of the source, and the next save must have
 * the same id. One more btrfs was made by mkfs.btrfs (test/vectors/remains).
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { imagePlace } from "../../server/cli/local/image-place.ts";
import { restoreLocally } from "../../server/cli/local/restore-locally.io.ts";
import { saveImage } from "../../server/cli/local/save-locally.io.ts";
import type { TerminalReporter } from "../../server/cli/terminal-reporter.io.ts";
import { openSource } from "../../server/cli/local/disk-source.io.ts";
import { planDisk } from "../../shared/allocation/plan.ts";
import { toHex } from "../../shared/core/digest.ts";
import { captureImage } from "../../shared/image/capture.ts";
import { inlinePool } from "../../shared/image/codec-pool.ts";
import { zlibCodec } from "../../shared/image/codec-zlib.ts";
import { readVector, type SparseVector } from "../rig/disk-fixtures.ts";
import { cutOut, hasTool, makeFile, MIB, putBytes, putInto, run } from "../rig/disk-tools.ts";
import { MemorySink } from "../rig/image-fixtures.ts";
import { md090, REMAINS } from "../rig/remains.ts";

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

const HOW = { rawIfDirty: false, level: 1, codec: "auto", tool: "huck", host: "test" } as const;

async function saveAndRestore(source: string, target: string): Promise<void> {
  const place = imagePlace(`i${images}`, path("store"));
  await saveImage({ source, place, ...HOW }, quiet, never);
  await restoreOnto(target, `i${images}`);
}

async function restoreOnto(target: string, name: string): Promise<void> {
  const image = path(`store/${name}.huck`);
  const task = { image, target, erase: target, verify: "full", codec: "auto" } as const;
  await restoreLocally(task, quiet, never);
}

/** What blkid and wipefs find in the partition and on the whole disk, times and places aside. */
function seenBy(disk: string, length: number): string[] {
  cutOut(disk, START, length, path("part"));
  return [path("part"), disk].flatMap((file) => [
    blkidSays(file),
    run("wipefs", "-n", "-i", "-O", "TYPE,OFFSET,UUID", file),
  ]);
}

/** What blkid finds; it fails if that is more than one thing. */
function blkidSays(file: string): string {
  try {
    return run("blkid", "-p", "-o", "value", "-s", "TYPE", "-s", "PTTYPE", file);
  } catch {
    return "ambivalent";
  }
}

/** The id that a save of this disk would have. */
async function idOf(disk: string): Promise<string> {
  const source = openSource(disk);
  try {
    const plan = planDisk(source, { rawIfDirty: false });
    const out = { sink: new MemorySink(), pool: inlinePool(zlibCodec()) };
    const made = { level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "huck", host: "here" };
    return toHex((await captureImage(source, plan, out, made)).imageId);
  } finally {
    source.close();
  }
}

/** What is found on the disks that had no former owner, and their ids. */
const known = new Map<string, readonly string[]>();

/** As hasTool, for programs that know no --version. */
function hasProgram(tool: string): boolean {
  try {
    return run("sh", "-c", `command -v ${tool}`) !== "";
  } catch {
    return false;
  }
}

/** What mdadm finds; it fails where nothing is. */
function mdadmSays(file: string): string {
  if (!hasTool("mdadm")) return "";
  try {
    return run("mdadm", "-E", file).replaceAll(file, "");
  } catch {
    return "nothing";
  }
}

/** What blkid, wipefs and mdadm find in the partition and on the whole disk. */
function foundOn(disk: string, length: number): string[] {
  copyOut(disk, START, length, path("part"));
  return [path("part"), disk].flatMap((file) => [
    run("blkid", "-p", "-o", "value", "-s", "TYPE", "-s", "PTTYPE", "-s", "UUID", file),
    run("wipefs", "-n", "-i", "-O", "TYPE,OFFSET,UUID", file),
    mdadmSays(file),
  ]);
}

/** As cutOut, for long runs that are mostly zeros. Whole MiB. */
function copyOut(disk: string, offset: number, length: number, part: string): void {
  rmSync(part, { force: true });
  const [skip, count] = [offset / MIB, length / MIB];
  const how = ["bs=1M", `skip=${skip}`, `count=${count}`, "conv=sparse", "status=none"];
  run("dd", `if=${disk}`, `of=${part}`, ...how);
  run("truncate", "-s", `${length}`, part);
}

function putVector(disk: string, offset: number, vector: SparseVector): void {
  for (const [lba, hex] of Object.entries(vector.sectors)) {
    putBytes(disk, offset + Number(lba) * 512, Buffer.from(hex, "hex"));
  }
}

describe.skipIf(!hasTool("blkid") || !hasTool("wipefs"))("remains on the target", () => {
  /** Both sizes of target hold all that a tool wants (XFS: 300 MiB; btrfs: a mirror at 64 MiB). */
  const [length, diskBytes, largeBytes] = [320 * MIB, 400 * MIB, 450 * MIB + 7 * 512];

  test("P13: the remains are those of everybody", () => {
    expect(Object.keys(REMAINS).length).toBeGreaterThanOrEqual(40);
  });

  test.each(
    Object.entries(REMAINS).filter(([, { tool }]) => tool === undefined || hasProgram(tool)),
  )(
    "P13: %s in a partition, and on all of a larger disk, is gone after a load",
    async (_name, remains) => {
      const source = path("ext4");
      if (!existsSync(source)) {
        makeDisk("ext4", diskBytes, length);
        const ext4 = ["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-E", `offset=${START}`];
        run("mke2fs", ...ext4, source, "320M");
        const place = imagePlace("ext4", path("store"));
        await saveImage({ source, place, ...HOW }, quiet, never);
        makeFile(path("ext4.large"), largeBytes);
        await restoreOnto(path("ext4.large"), "ext4");
      }
      const target = makeDisk("target", diskBytes, length);
      makeFile(path("former"), length);
      remains.make(path("former"));
      run(
        "dd",
        `if=${path("former")}`,
        `of=${target}`,
        "bs=1M",
        "seek=1",
        "conv=notrunc",
        "status=none",
      );
      expect(run("wipefs", "-n", "-i", "-O", "TYPE", path("former"))).toMatch(remains.seen);
      const large = path("large");
      makeFile(large, largeBytes);
      remains.make(large);
      expect(run("wipefs", "-n", "-i", "-O", "TYPE", large)).toMatch(remains.seen);
      for (const [disk, clean] of [
        [target, source],
        [large, path("ext4.large")],
      ] as const) {
        await restoreOnto(disk, "ext4");
        const wanted = known.get(clean) ?? [...foundOn(clean, length), await idOf(clean)];
        known.set(clean, wanted);
        expect([...foundOn(disk, length), await idOf(disk)]).toEqual(wanted);
      }
    },
    60_000,
  );

  test.each([
    ...["md 0.90", "md 1.0", "DRBD", "DDF", "Intel Matrix RAID", "LSI MegaRAID"],
    ...["Promise FastTrak", "Promise FastTrak, far place", "HighPoint 45x"],
  ])("P13: %s behind the content of the source is on the target too", async (name) => {
    const size = 60 * MIB;
    const source = makeDisk("source", 96 * MIB, size);
    run("mke2fs", "-q", "-F", "-t", "ext4", "-E", `offset=${START}`, source, "60M");
    makeFile(path("former"), size);
    REMAINS[name]?.make(path("former"));
    cutOut(path("former"), size - 2 * MIB, 2 * MIB, path("tail"));
    putInto(source, START + size - 2 * MIB, path("tail"));
    makeDisk("target", 96 * MIB, size);
    await saveAndRestore(source, path("target"));
    copyOut(source, START, size, path("part"));
    expect(run("wipefs", "-n", "-i", "-O", "TYPE", path("part"))).toMatch(
      REMAINS[name]?.seen ?? "",
    );
    expect(seenBy(path("target"), size)).toEqual(seenBy(source, size));
  });

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

  test("P13: the mirror of btrfs at 256 GiB is gone", async () => {
    const [small, huge] = [257 * 1024 * MIB, 258 * 1024 * MIB];
    const source = makeDisk("source", huge, small);
    makeFile(path("swap"), small);
    run("mkswap", path("swap"));
    cutOut(path("swap"), 0, 4096, path("head"));
    putInto(source, START, path("head"));
    const target = makeDisk("target", huge, small);
    const magic = Buffer.from("_BHRfS_M");
    const mirrors = [64 * 1024, 64 * MIB, 256 * 1024 * MIB];
    for (const mirror of mirrors) putBytes(target, START + mirror + 64, magic);
    await saveAndRestore(source, target);
    for (const mirror of mirrors) {
      cutOut(target, START + mirror, 4096, path("sector"));
      expect(run("cmp", "-n", "4096", path("sector"), "/dev/zero"), `mirror ${mirror}`).toBe("");
    }
  });
});
