/** A real file system that is small, mounted for a test and filled to its last byte. Needs root. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../shared/core/errors.ts";
import { makeFile, run } from "./disk-tools.ts";

/** What the disk is: memory, or a file under a loop device. */
export type SmallDiskKind = "tmpfs" | "ext4";

/** Says why there can be none here; undefined if there can. */
export function smallDiskProblem(kind: SmallDiskKind, below: string): string | undefined {
  if (process.getuid?.() !== 0) return "mounts need root";
  try {
    new SmallDisk(kind, join(below, "trial"), 4 << 20).close();
    return undefined;
  } catch (error) {
    return `no ${kind} can be mounted here: ${String(error)}`;
  }
}

/** A mounted file system. The caller closes it. */
export class SmallDisk {
  /** Where it is mounted. */
  readonly folder: string;
  readonly #filler: string;

  /**
   * Mounts an empty one.
   *
   * @param folder - Made if it is missing. `folder`.ext4 is the file under the loop device.
   */
  constructor(kind: SmallDiskKind, folder: string, bytes: number) {
    this.folder = folder;
    this.#filler = join(folder, "filler");
    mkdirSync(folder, { recursive: true });
    if (kind === "tmpfs") {
      run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "huck-test", folder);
      return;
    }
    const file = `${folder}.ext4`;
    makeFile(file, bytes);
    run("mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", file);
    run("mount", "-o", "loop", file, folder);
    rmSync(join(folder, "lost+found"), { recursive: true });
  }

  /** Unit: bytes. */
  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** Writes a file until not one byte more is taken. */
  fill(): void {
    const fd = openSync(this.#filler, "a");
    for (let bytes = 64 << 10; bytes >= 1; bytes >>= 1) {
      while (wrote(fd, bytes));
    }
    closeSync(fd);
  }

  /** Removes that file. */
  makeRoom(): void {
    rmSync(this.#filler, { force: true });
  }

  /** Unmounts it. Whoever has a file open there keeps that file. */
  close(): void {
    spawnSync("umount", ["--lazy", this.folder]);
  }
}

function wrote(fd: number, bytes: number): boolean {
  try {
    return writeSync(fd, Buffer.alloc(bytes, 1)) === bytes;
  } catch (error) {
    if (codeOf(error) === "ENOSPC") return false;
    throw error;
  }
}
