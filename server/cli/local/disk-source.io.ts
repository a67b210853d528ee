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
import { codeOf, ExitCode, SituationError } from "../../../shared/core/errors.ts";
import type { SectorSource } from "../../../shared/disk/source.ts";
import { guessSectorBytes, type SectorSizeGuess } from "../../../shared/filesystem/sector-size.ts";
import { MountTable } from "../../../shared/linux/mount-table.io.ts";
import { readFullySync } from "../../../shared/linux/read-fully.io.ts";
import { deviceSizeBytes, kernelNameOf } from "../../../shared/linux/sysfs.io.ts";
import { countText } from "../quantity-text.ts";
import { withPath } from "../system-error.ts";

export interface OpenSource extends SectorSource {
  /** Why its content may change while it is read; empty if nothing can write to it. */
  readonly writers: readonly string[];
  /** What was assumed about its shape: sentences for the operator. */
  readonly warnings: readonly string[];
  /** Closes it. Idempotent. */
  close(): void;
}

/**
 * Opens a block device or regular file for reading. The sector size of a file is found out from its
 * content, and its last sector is filled up with zeros if it is not whole.
 *
 * @param sectorBytes - Sector size of a file, as the operator says; a disk knows its own.
 * @throws {@link SituationError} `no_such_source`, `not_a_disk`, `not_permitted`,
 *   `sector_size_known`.
 */
export function openSource(path: string, sectorBytes?: 512 | 4096): OpenSource {
  const fd = openExisting(path);
  try {
    const stat = fstatSync(fd);
    if (stat.isBlockDevice()) return openDisk(fd, path, sectorBytes);
    if (stat.isFile()) return openFile(fd, path, stat.size, sectorBytes);
    throw notADisk(path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openDisk(fd: number, path: string, wanted: number | undefined): OpenSource {
  const name = kernelNameOf(path);
  const facts = deviceFacts(name);
  if (wanted !== undefined && wanted !== facts.sectorBytes) {
    const found = `it has sectors of ${facts.sectorBytes} bytes, ${wanted} wanted`;
    throw new SituationError("sector_size_known", `Cannot save "${path}": ${found}`, {
      cure: "Leave --sector-bytes out: it is for files",
      exitCode: ExitCode.usage,
    });
  }
  return { ...sourceOf(fd, path, facts), writers: diskWriters(name), warnings: [] };
}

function openFile(
  fd: number,
  path: string,
  sizeBytes: number,
  wanted: 512 | 4096 | undefined,
): OpenSource {
  const guess: SectorSizeGuess =
    wanted === undefined
      ? guessSectorBytes(sourceOf(fd, path, { sizeBytes, sectorBytes: 512 }))
      : { sectorBytes: wanted };
  const { sectorBytes, doubt } = guess;
  const warnings = doubt === undefined ? [] : [doubt];
  const rest = sizeBytes % sectorBytes;
  if (rest > 0) {
    warnings.push(
      `The file has ${countText(rest, "byte")} more than whole sectors of ${sectorBytes}: ` +
        `kept, with ${countText(sectorBytes - rest, "zero")} behind.`,
    );
  }
  const source = sourceOf(fd, path, { sizeBytes, sectorBytes });
  return { ...source, writers: loopWriters(realpathSync(path)), warnings };
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
): Omit<OpenSource, "writers" | "warnings"> {
  const { sectorBytes, sizeBytes } = size;
  const sectorCount = Math.ceil(sizeBytes / sectorBytes);
  let closed = false;
  return {
    sectorBytes,
    sectorCount,
    read(lba, into) {
      const offset = lba * sectorBytes;
      const there = Math.min(into.byteLength, sizeBytes - offset);
      const got = withPath(path, () => readFullySync(fd, into.subarray(0, there), offset));
      if (got < there) throw notADisk(path);
      into.fill(0, there);
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

/** The same, and for a loop device those of other loop devices over the same file. */
function diskWriters(name: string): readonly string[] {
  const backing = join("/sys/class/block", name, "loop/backing_file");
  const others = existsSync(backing) ? loopWriters(readFileSync(backing, "utf8").trim()) : [];
  return [...new Set([...writersOf(name), ...others])];
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
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const found = isFolder ? "it is a folder" : "neither a block device nor a file, or it shrank";
  return new SituationError("not_a_disk", `Cannot read "${path}" as a disk: ${found}`, {
    cure: "Name a disk or a file that holds one",
  });
}
