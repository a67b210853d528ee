/**
 * What a save reads from: a disk of this computer or a file that holds one.
 *
 * Opened read-only (promise P5). A disk that is mounted read-write changes under our hands, so its
 * uses are told to the caller, who refuses. Sizes come from sysfs, because fstat gives 0 for a
 * device.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { codeOf, SituationError } from "../../../shared/core/errors.ts";
import { guessSectorBytes } from "../../../shared/disk/probe.ts";
import type { SectorSource } from "../../../shared/disk/source.ts";
import { MountTable } from "../../../shared/linux/mount-table.io.ts";

const SYSFS_SECTOR_BYTES = 512;

/** A source that is open. */
export interface OpenSource extends SectorSource {
  /** Why its content may change while it is read; empty when nobody writes it. */
  readonly writers: readonly string[];
  /** Closes it. Idempotent. */
  close(): void;
}

/**
 * Opens a disk or a file for reading.
 *
 * @param path - A block device or a regular file.
 * @returns An open source; a file's sector size is found from its GPT, 512 without one.
 * @throws {@link SituationError} `no_such_source`, `not_a_disk`, `not_permitted`.
 */
export function openSource(path: string): OpenSource {
  const fd = openExisting(path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() && !stat.isBlockDevice()) throw notADisk(path);
    const name = basename(realpathSync(path));
    const device = stat.isBlockDevice() ? deviceFacts(name) : undefined;
    const sizeBytes = device?.sizeBytes ?? stat.size;
    const plain = sourceOf(fd, path, { sizeBytes, sectorBytes: 512 });
    const sectorBytes = device?.sectorBytes ?? guessSectorBytes(plain);
    const source = sourceOf(fd, path, { sizeBytes, sectorBytes });
    const writers = stat.isBlockDevice() ? writersOf(name) : loopWriters(realpathSync(path));
    return { ...source, writers };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Tells what stands at a path that is to become a restored disk.
 *
 * @param path - A block device, a file, or nothing yet.
 * @returns `nothing`, `file` or `disk`.
 * @throws {@link SituationError} `not_a_disk` for folders and the like.
 */
export function targetKind(path: string): "nothing" | "file" | "disk" {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "nothing";
  if (stat.isFile()) return "file";
  if (stat.isBlockDevice()) return "disk";
  throw notADisk(path);
}

/**
 * Makes a sparse file that stands for a disk.
 *
 * @param path - Must not exist.
 * @param sizeBytes - Its length.
 * @throws A system error (EEXIST, ENOSPC, EFBIG); nothing is left behind then.
 */
export function createTargetFile(path: string, sizeBytes: number): void {
  const fd = openSync(path, "wx", 0o644);
  try {
    ftruncateSync(fd, sizeBytes);
  } catch (error) {
    removeTargetFile(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/**
 * Removes a file that {@link createTargetFile} made, after an error that matters more than whether
 * this succeeds.
 *
 * @param path - The file.
 */
export function removeTargetFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays as an empty file; the caller has the error that led here.
  }
}

/**
 * Gives the name of this computer.
 *
 * @returns Its host name.
 */
export function hostName(): string {
  return hostname();
}

function openExisting(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (codeOf(error) === "EACCES" || codeOf(error) === "EPERM") throw forbidden(path, error);
    if (codeOf(error) !== "ENOENT") throw error;
    throw new SituationError("no_such_source", `Cannot save "${path}": there is no such file`, {
      cause: error,
      cure: "Name a disk such as /dev/disk/by-id/..., or a file that holds one",
    });
  }
}

function sourceOf(
  fd: number,
  path: string,
  size: { readonly sizeBytes: number; readonly sectorBytes: number },
): Omit<OpenSource, "writers"> {
  const { sectorBytes } = size;
  const sectorCount = Math.floor(size.sizeBytes / sectorBytes);
  let closed = false;
  return {
    sectorBytes,
    sectorCount,
    read(lba, into) {
      for (let done = 0; done < into.byteLength; ) {
        const at = lba * sectorBytes + done;
        const got = readSync(fd, into, done, into.byteLength - done, at);
        if (got === 0) throw notADisk(path);
        done += got;
      }
    },
    close() {
      if (!closed) closeSync(fd);
      closed = true;
    },
  };
}

function deviceFacts(name: string): { readonly sizeBytes: number; readonly sectorBytes: number } {
  const folder = join("/sys/class/block", name);
  const parent = existsSync(join(folder, "partition")) ? join(realpathSync(folder), "..") : folder;
  const sectorBytes = Number(readFileSync(join(parent, "queue/logical_block_size"), "latin1"));
  const sectors = Number(readFileSync(join(folder, "size"), "latin1"));
  return { sizeBytes: sectors * SYSFS_SECTOR_BYTES, sectorBytes };
}

/** Read-write mounts, swap and holders of a disk and its partitions. */
function writersOf(name: string): string[] {
  const folder = realpathSync(join("/sys/class/block", name));
  const parts = readdirSync(folder).filter((one) => existsSync(join(folder, one, "partition")));
  const nodes = [folder, ...parts.map((part) => join(folder, part))];
  const mounts = new MountTable();
  const swaps = readFileSync("/proc/swaps", "latin1").split("\n");
  return nodes.flatMap((node) => {
    const label = basename(node);
    const number = readFileSync(join(node, "dev"), "latin1").trim();
    const mounted = mounts
      .of(label, number)
      .filter(({ writable }) => writable)
      .map(({ place }) => `${label} is mounted read-write on ${place}`);
    const swapped = swaps
      .filter((line) => line.startsWith(`/dev/${label} `) || line.startsWith(`/dev/${label}\t`))
      .map(() => `${label} is swap space in use`);
    const held = readdirSync(join(node, "holders")).map(
      (holder) => `${label} is held by ${holder}`,
    );
    return [...mounted, ...swapped, ...held];
  });
}

/** A file may be seen as a disk through a loop device, and that be mounted. */
function loopWriters(path: string): string[] {
  if (!existsSync("/sys/block")) return [];
  return readdirSync("/sys/block").flatMap((name) => {
    const backing = join("/sys/block", name, "loop/backing_file");
    if (!existsSync(backing)) return [];
    return readFileSync(backing, "utf8").trim() === path ? writersOf(name) : [];
  });
}

function forbidden(path: string, cause: unknown): SituationError {
  return new SituationError("not_permitted", `Cannot open "${path}": the system forbids it`, {
    cause,
    cure: "Run as root, or as a user who may read that disk",
  });
}

function notADisk(path: string): SituationError {
  return new SituationError(
    "not_a_disk",
    `Cannot read "${path}" as a disk: neither a block device nor a regular file, or it shrank`,
    { cure: "Name a disk or a file that holds one" },
  );
}
