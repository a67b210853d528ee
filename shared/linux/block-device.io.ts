/**
 * BlockDevice for a disk of this computer, or for a regular file that stands for one.
 *
 * Writes bypass the page cache (O_DIRECT): one pwrite from page-aligned memory such as the arena.
 * Data that is not aligned goes through a second, buffered descriptor, which the kernel keeps
 * coherent. A whole disk is opened exclusively, so one that is mounted or held gives EBUSY. Nothing
 * is retried: after a failed write or fsync nobody knows what the medium holds. Sources: open(2)
 * O_DIRECT and O_EXCL, linux/fs.h for the ioctls, fallocate(2).
 */
import { closeSync, constants, fstatSync, fsyncSync, openSync, statSync, writeSync } from "node:fs";
import { FormatError, HuckError, SituationError, codeOf } from "../core/errors.ts";
import type { ByteCount, Lba } from "../core/units.ts";
import type { BlockDevice, DiskIdentity } from "../disk/block-device.ts";
import { diskIdentity } from "./disks.io.ts";
import { SystemCallError, addressOf, lastErrno, libcFunction, libcProblem } from "./libc.io.ts";
import { readFullySync } from "./read-fully.io.ts";
import { kernelNameOf, sysfsText } from "./sysfs.io.ts";

/** Sector size of a file that stands for a disk, unless the caller knows it. Unit: bytes. */
const FILE_SECTOR_BYTES = 512;
/**
 * Alignment for direct I/O on a file: it must suit the file system's block, and 4096 suits all.
 * Unit: bytes.
 */
const FILE_ALIGNMENT = 4096;
const BLKRRPART = 0x125f;
const BLKFLSBUF = 0x1261;
const POSIX_FADV_DONTNEED = 4;
/** The kernel moves at most 2 GiB per pwrite; ours are chunks, so normally one call is enough. */
const PIECES_MAX = 64;

/** Access to a device: a disk that is saved is opened so that nothing can write to it. */
export type DeviceAccess = "write" | "read";

export interface OpenOptions {
  /** Default: write. */
  readonly access?: DeviceAccess;
  /** Sector size of a file; default: 512. A disk knows its own. Unit: bytes. */
  readonly fileSectorBytes?: number;
}

/**
 * Opens a disk or a file; a disk is opened exclusively. If the last sector of a file is not whole,
 * it reads as if zeros followed, and the first write to it makes it whole.
 *
 * @param path - A whole disk below /dev, or a regular file of the wanted size.
 * @throws {@link HuckError} `not_a_disk`; a system error (EBUSY: in use, EACCES, ENOENT).
 */
export function openBlockDevice(path: string, options: OpenOptions = {}): BlockDevice {
  const { access = "write" } = options;
  const stat = statSync(path);
  if (stat.isBlockDevice()) {
    const name = kernelNameOf(path);
    if (sysfsText(`/sys/class/block/${name}/partition`) !== "") throw isPartition(path);
    return new LinuxDisk(path, diskIdentity(name), access);
  }
  if (stat.isFile()) {
    const { fileSectorBytes = FILE_SECTOR_BYTES } = options;
    const identity = diskIdentityOfFile(path, stat.size, fileSectorBytes);
    return new LinuxDisk(path, identity, access, stat.size);
  }
  throw new HuckError(
    "not_a_disk",
    `Cannot open "${path}" as a disk: it is neither a block device nor a regular file`,
  );
}

function isPartition(path: string): SituationError {
  return new SituationError("not_a_disk", `Cannot open "${path}": it is a partition`, {
    cure: "Name the whole disk: an image is of a whole disk",
  });
}

function diskIdentityOfFile(path: string, size: number, sectorBytes: number): DiskIdentity {
  const sizeBytes = Math.ceil(size / sectorBytes) * sectorBytes;
  return {
    path,
    sizeBytes,
    sectorBytes,
    serial: "",
    wwn: "",
    model: "",
    bus: "file",
    rotational: false,
    removable: false,
    inUse: [],
  };
}

class LinuxDisk implements BlockDevice {
  readonly identity: DiskIdentity;
  readonly sectorBytes: number;
  readonly sectorCount: number;
  readonly alignment: number;
  readonly #isDevice: boolean;
  /** Where reading must not go beyond: before the end of the last sector only for a file. */
  readonly #readableBytes: ByteCount;
  readonly #buffered: number;
  /** Descriptor for direct writes; undefined if the system or file system does not support them. */
  readonly #direct: number | undefined;
  #open = true;

  constructor(path: string, identity: DiskIdentity, access: DeviceAccess, size?: ByteCount) {
    this.#readableBytes = size ?? identity.sizeBytes;
    const isDevice = identity.bus !== "file";
    this.identity = identity;
    this.sectorBytes = identity.sectorBytes;
    this.sectorCount = Math.floor(identity.sizeBytes / identity.sectorBytes);
    this.#isDevice = isDevice;
    const claim = isDevice ? constants.O_EXCL : 0;
    const flags = access === "write" ? constants.O_RDWR : constants.O_RDONLY;
    this.#buffered = openSync(path, flags | claim);
    try {
      this.#direct =
        access === "write" ? openDirect(path, fstatSync(this.#buffered).ino) : undefined;
    } catch (error) {
      closeSync(this.#buffered);
      throw error;
    }
    const aligned = isDevice ? identity.sectorBytes : FILE_ALIGNMENT;
    this.alignment = this.#direct === undefined ? 1 : aligned;
  }

  read(lba: Lba, into: Uint8Array): void {
    const offset = lba * this.sectorBytes;
    this.#checkInside("read", offset, into.byteLength);
    const got = readFullySync(this.#buffered, into, offset);
    if (got === into.byteLength) return;
    if (offset + got < this.#readableBytes) {
      throw this.#outside("read", offset + got, into.byteLength - got);
    }
    into.fill(0, got);
  }

  write(offset: ByteCount, bytes: Uint8Array): void {
    this.#checkInside("write", offset, bytes.byteLength);
    const direct = this.#direct;
    const fits = offset % this.alignment === 0 && bytes.byteLength % this.alignment === 0;
    if (direct !== undefined && fits) {
      const address = addressOf(bytes);
      if (address % this.alignment === 0) {
        this.#writeDirect(direct, address, offset, bytes.byteLength);
        return;
      }
    }
    let done = 0;
    while (done < bytes.byteLength) {
      done += writeSync(this.#buffered, bytes, done, bytes.byteLength - done, offset + done);
    }
  }

  flush(): void {
    if (this.#direct !== undefined) fsyncSync(this.#direct);
    fsyncSync(this.#buffered);
  }

  dropCache(): void {
    if (libcProblem() !== undefined) return;
    if (this.#isDevice) ioctl(this.#buffered, BLKFLSBUF, 0);
    const fadvise = libcFunction("posix_fadvise", "int", ["int", "int64", "int64", "int"]);
    fadvise(this.#buffered, 0, 0, POSIX_FADV_DONTNEED);
  }

  rereadTable(): boolean {
    if (!this.#isDevice) return true; // the kernel knows of no partitions in a file
    return libcProblem() === undefined && ioctl(this.#buffered, BLKRRPART, 0) === 0;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#direct !== undefined) closeSync(this.#direct);
    closeSync(this.#buffered);
  }

  #writeDirect(fd: number, address: number, offset: number, length: number): void {
    let done = 0;
    for (let piece = 0; done < length && piece < PIECES_MAX; piece += 1) {
      const written = pwrite(fd, address + done, length - done, offset + done);
      if (written < 0) {
        const task = `write ${length} bytes at ${offset} of "${this.identity.path}"`;
        throw new SystemCallError(task, lastErrno());
      }
      done += written;
    }
    if (done < length) throw this.#outside("write", offset + done, length - done);
  }

  #checkInside(verb: string, offset: number, length: number): void {
    const end = offset + length;
    if (Number.isSafeInteger(end) && offset >= 0 && length >= 0 && end <= this.identity.sizeBytes) {
      return;
    }
    throw this.#outside(verb, offset, length);
  }

  #outside(verb: string, offset: number, length: number): FormatError {
    const { path, sizeBytes } = this.identity;
    return new FormatError(
      "outside",
      `Cannot ${verb} ${length} bytes at ${offset} of "${path}": it has ${sizeBytes}`,
    );
  }
}

// Opens for direct writing; tmpfs and some network file systems answer EINVAL.
function openDirect(path: string, inode: number): number | undefined {
  if (libcProblem() !== undefined) return undefined;
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_DIRECT);
    if (fstatSync(fd).ino === inode) return fd;
    closeSync(fd);
    throw new HuckError("not_a_disk", `Cannot open "${path}": it was replaced while opening`);
  } catch (error) {
    if (codeOf(error) === "EINVAL") return undefined;
    throw error;
  }
}

function ioctl(fd: number, request: number, argument: number): number {
  return libcFunction("ioctl", "int", ["int", "ulong", "uintptr"])(fd, request, argument);
}

function pwrite(fd: number, address: number, length: number, offset: number): number {
  pwriteFunction ??= libcFunction("pwrite", "long", ["int", "uintptr", "ulong", "int64"]);
  return pwriteFunction(fd, address, length, offset);
}
let pwriteFunction: ReturnType<typeof libcFunction> | undefined;
