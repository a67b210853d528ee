/**
 * What a save reads: a disk of this computer, or a file that holds one.
 *
 * It is opened read-only (promise P5). A disk that is mounted read-write may change while we read,
 * so the caller is told what uses it and refuses. Sizes come from sysfs, because fstat gives 0 for
 * a device.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { codeOf, SituationError } from "../../../shared/core/errors.ts";
import { guessSectorBytes } from "../../../shared/disk/probe.ts";
import type { SectorSource } from "../../../shared/disk/source.ts";
import { MountTable } from "../../../shared/linux/mount-table.io.ts";
import { readFullySync } from "../../../shared/linux/read-fully.io.ts";
import { withPath } from "../system-error.ts";
import { deviceSizeBytes, kernelNameOf } from "../../../shared/linux/sysfs.io.ts";

export interface OpenSource extends SectorSource {
  /** Why its content may change while it is read; empty if nothing can write to it. */
  readonly writers: readonly string[];
  /** Closes it. Idempotent. */
  close(): void;
}

/**
 * Opens a block device or regular file for reading. A file's sector size is taken from its GPT, or
 * is 512 without one.
 *
 * @throws {@link SituationError} `no_such_source`, `not_a_disk`, `not_permitted`.
 */
export function openSource(path: string): OpenSource {
  const fd = openExisting(path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() && !stat.isBlockDevice()) throw notADisk(path);
    const name = stat.isBlockDevice() ? kernelNameOf(path) : "";
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
 * Says what exists at a path that an image is to be restored to.
 *
 * @throws {@link SituationError} `not_a_disk` for folders and the like.
 */
export function targetKind(path: string): "nothing" | "file" | "disk" {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "nothing";
  if (stat.isFile()) return "file";
  if (stat.isBlockDevice()) return "disk";
  throw notADisk(path);
}

/** Gives the host name of this computer. */
export function hostName(): string {
  return hostname();
}

function openExisting(path: string): number {
  try {
    // Without O_NONBLOCK, opening a pipe would wait until another process writes to it.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
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
      const got = withPath(path, () => readFullySync(fd, into, lba * sectorBytes));
      if (got < into.byteLength) throw notADisk(path);
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
  return { sizeBytes: deviceSizeBytes(name), sectorBytes };
}

/** Names read-write mounts, swap and holders of a disk and its partitions. */
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

/** The same for a file that is attached to a loop device, which may be mounted. */
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
