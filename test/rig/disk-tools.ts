/**
 * Real disks for tests, made by the real tools on plain files: no loop device, no mount, no root.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../shared/core/random.ts";
import { normalRanges, type Range, subtractRanges } from "../../shared/core/ranges.ts";

/** Unit: bytes. */
export const MIB = 1 << 20;

/** Runs a tool and returns its output; a failure throws an error with what it printed. */
export function run(tool: string, ...args: readonly string[]): string {
  return execFileSync(tool, args, {
    encoding: "utf8",
    maxBuffer: 64 * MIB,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  });
}

/**
 * Makes a tree of files: many small ones, some large, some sparse. The same seed gives the same
 * tree.
 */
export function makeTree(folder: string, seed: number, megabytes: number): void {
  const random = seededRandom(seed);
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < 300; index += 1) {
    const place = join(folder, `d${index % 17}`);
    mkdirSync(place, { recursive: true });
    const line = `file ${index} of ${seed}: ${random.u32()}\n`;
    writeFileSync(join(place, `small-${index}`), line.repeat(1 + random.below(400)));
  }
  for (let index = 0; index < megabytes; index += 1) {
    const words = new Uint32Array(MIB / 4).map(() => random.u32() & (index % 2 === 0 ? ~0 : 0xff));
    writeFileSync(join(folder, `large-${index}`), new Uint8Array(words.buffer));
  }
  writeFileSync(join(folder, "sparse"), "end of a hole");
  truncateSync(join(folder, "sparse"), 5 * MIB);
}

/** Makes an ext file system in a new file and fills it from a folder. */
export function makeExt(
  file: string,
  sizeBytes: number,
  tree: string,
  args: readonly string[],
): void {
  makeFile(file, sizeBytes);
  run("mke2fs", "-q", "-F", "-d", tree, ...args, file);
}

/** Makes a file of zeros. */
export function makeFile(file: string, sizeBytes: number): void {
  writeFileSync(file, "");
  truncateSync(file, sizeBytes);
}

/**
 * The blocks that dumpe2fs calls used, in sectors of 512 bytes. `ratio`: blocks per cluster with
 * bigalloc.
 */
export function usedByDumpe2fs(file: string, sizeBytes: number, ratio = 1): Range[] {
  const output = run("dumpe2fs", file);
  const blockBytes = Number(/^Block size: +(\d+)$/m.exec(output)?.[1]);
  const free: Range[] = [];
  for (const [, list = ""] of output.matchAll(/^ {2}Free blocks: (.*)$/gm)) {
    for (const item of list.split(", ").filter((one) => one !== "")) {
      const [start = 0, last = start] = item.split("-").map(Number);
      const scale = blockBytes / 512; // a cluster is named by its first block
      free.push({ start: start * scale, end: (last + ratio) * scale });
    }
  }
  return subtractRanges([{ start: 0, end: sizeBytes / 512 }], normalRanges(free));
}

/** Copies a file into another one at an offset. */
export function putInto(disk: string, offset: number, part: string): void {
  putBytes(disk, offset, readFileSync(part));
}

/** Writes bytes into a file at an offset. */
export function putBytes(disk: string, offset: number, bytes: Uint8Array): void {
  const fd = openSync(disk, "r+");
  writeSync(fd, bytes, 0, undefined, offset);
  closeSync(fd);
}

/** Tells whether a tool can be started; a test that needs it is skipped otherwise. */
export function hasTool(tool: string): boolean {
  try {
    run(tool, "--version");
    return true;
  } catch {
    return false;
  }
}

/** Copies a run of sectors of a disk into a file of its own, for a tool that wants a file. */
export function cutOut(disk: string, offset: number, length: number, part: string): void {
  const bytes = new Uint8Array(length);
  const fd = openSync(disk, "r");
  readSync(fd, bytes, 0, length, offset);
  closeSync(fd);
  writeFileSync(part, bytes);
}
