/**
 * Runs of the rows that save a file system and bring it back.
 *
 * All programs read the same ext4 file system through a read-only loop device and write to a fresh
 * one. What was restored is compared by partclone's own stream of the used blocks, and e2fsck must
 * find nothing.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Measured, RunBounds } from "./cast-run.ts";
import { cpuTimes, foreignShare } from "./processor.ts";
import { Programs } from "./programs.ts";
import type { DiskPlace, DiskSystem } from "./rows.ts";

/** Room beside the files: inode tables, journal, and free blocks as a disk has them. */
const ROOM = 1.5;
const ROOM_BYTES = 256 << 20;

/** A file system to be saved, and a device to restore to. Close it. */
export class DiskBench {
  readonly usedBytes: number;
  readonly #folder: string;
  readonly #sizeBytes: number;
  readonly #source: string;
  #sourceDigest: string | undefined;

  /**
   * @param folder - On a disk; two images of all files of the tree must fit.
   * @param tree - Its files fill the file system.
   */
  constructor(folder: string, tree: string) {
    this.#folder = folder;
    const used = execFileSync("du", ["-sx", "-B1", tree], { encoding: "utf8" });
    this.#sizeBytes = Math.ceil((parseInt(used, 10) * ROOM + ROOM_BYTES) / 4096) * 4096;
    const file = join(folder, "source.img");
    makeFile(file, this.#sizeBytes);
    execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-d", tree, file], { stdio: "pipe" });
    this.usedBytes = usedBytesOf(file);
    this.#source = attach(file, "-r");
  }

  /**
   * Times a save; the image stays for the restore.
   *
   * @param name - Of the program; tells its images apart.
   */
  async save(name: string, system: DiskSystem, run: DiskRun): Promise<Measured> {
    const place = this.#place(name, system, run, "");
    rmSync(place.image, { force: true });
    execFileSync("dd", [`if=${this.#source}`, "of=/dev/null", "bs=1M", "status=none"]);
    const { measured } = await this.#timed(system.save(place), run);
    const outBytes = existsSync(place.image) ? statSync(place.image).size : 0;
    return { ...measured, outBytes, isGood: measured.isGood && outBytes > 0 };
  }

  /** Times a restore and compares; makes the image first when there is none. */
  async restore(name: string, system: DiskSystem, run: DiskRun): Promise<Measured> {
    const { image } = this.#place(name, system, run, "");
    if (!existsSync(image)) await this.save(name, system, run);
    const file = join(this.#folder, "target.img");
    makeFile(file, this.#sizeBytes);
    const target = attach(file);
    try {
      const place = this.#place(name, system, run, target);
      const { measured } = await this.#timed(system.restore(place), run);
      const isGood = measured.isGood && this.#isRestored(target);
      return { ...measured, outBytes: this.usedBytes, isGood };
    } finally {
      detach(target);
      rmSync(file);
    }
  }

  /** Detaches the source. */
  close(): void {
    detach(this.#source);
  }

  #place(name: string, system: DiskSystem, run: DiskRun, target: string): DiskPlace {
    const image = join(this.#folder, `${name}${system.ending}`);
    return { huck: run.huck, source: this.#source, image, target, folder: run.folder };
  }

  async #timed(command: string, run: DiskRun): Promise<{ measured: Measured }> {
    const programs = new Programs(run.folder, run.seconds, run.signal);
    const before = cpuTimes();
    const startMs = performance.now();
    const program = programs.start("disk", command);
    const end = await program.ended;
    run.signal.throwIfAborted();
    if (end.exitCode !== 0) process.stderr.write(`${programs.lastWords("disk")}\n`);
    return {
      measured: {
        seconds: (end.atMs - startMs) / 1000,
        isGood: end.exitCode === 0,
        payloadBytes: this.usedBytes,
        outBytes: 0,
        upFrames: 0,
        overflows: 0,
        senderCpuSeconds: end.cpuSeconds,
        receiverCpuSeconds: Number.NaN,
        memoryMib: end.memoryMib,
        foreignCpuShare: foreignShare(before, cpuTimes(), end.cpuSeconds),
      },
    };
  }

  #isRestored(target: string): boolean {
    this.#sourceDigest ??= usedBlocksDigest(this.#source);
    const check = spawnSync("e2fsck", ["-fn", target]);
    return check.status === 0 && usedBlocksDigest(target) === this.#sourceDigest;
  }
}

/** What one run of a disk row needs. */
export interface DiskRun extends RunBounds {
  /** Command line of huck. */
  readonly huck: string;
  /** Scratch folder of this run. */
  readonly folder: string;
}

function makeFile(path: string, sizeBytes: number): void {
  writeFileSync(path, "");
  truncateSync(path, sizeBytes);
}

function attach(file: string, ...options: readonly string[]): string {
  return execFileSync("losetup", ["-f", "--show", ...options, file], { encoding: "utf8" }).trim();
}

function detach(device: string): void {
  spawnSync("losetup", ["-d", device]);
}

function usedBytesOf(file: string): number {
  const text = execFileSync("dumpe2fs", ["-h", file], { encoding: "utf8", stdio: "pipe" });
  const number = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(text)?.[1]);
  return (number("Block count") - number("Free blocks")) * number("Block size");
}

function usedBlocksDigest(device: string): string {
  const stream = `partclone.ext4 -c -L /dev/null -s ${device} -o - 2>/dev/null | sha256sum`;
  return execFileSync("bash", ["-o", "pipefail", "-c", stream], { encoding: "utf8" });
}
