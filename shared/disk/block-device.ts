/**
 * BlockDevice: a disk that can be written.
 *
 * Offsets and lengths are multiples of the logical sector. Writing is synchronous, and one worker
 * does all of it. If the device was opened for direct I/O, the data must be in the arena or in
 * other page-aligned memory: see `alignment`. Errors of the device are system errors (EIO, ENOSPC)
 * and are never retried here.
 */
import type { ByteCount } from "../core/units.ts";
import type { SectorSource } from "./source.ts";

/** The identity of a disk, so that an order can name this disk and no other (promise P8). */
export interface DiskIdentity {
  /** Kernel name, for messages only: it changes between boots. */
  readonly path: string;
  /** Size of the whole disk. Unit: bytes. */
  readonly sizeBytes: ByteCount;
  /** Logical sector size. Unit: bytes. */
  readonly sectorBytes: number;
  /** Serial number that the device reports; empty if it reports none. */
  readonly serial: string;
  /** World Wide Name, for example "naa.5000c500a1b2c3d4"; empty if there is none. */
  readonly wwn: string;
  /** Model text, trimmed. */
  readonly model: string;
  /** How the disk is attached. */
  readonly bus: "ata" | "nvme" | "scsi" | "usb" | "virtio" | "mmc" | "file" | "other";
  /** True for a spinning disk. */
  readonly rotational: boolean;
  /** True if the kernel calls the medium removable. */
  readonly removable: boolean;
  /**
   * Reasons why the disk must not be written now: mounted, held by dm/md/LVM, swap, read-only, boot
   * medium.
   */
  readonly inUse: readonly string[];
}

/** An open disk. Reads see earlier writes. */
export interface BlockDevice extends SectorSource {
  readonly identity: DiskIdentity;
  /** Address, offset and length of every write must be multiples of this. Unit: bytes. */
  readonly alignment: number;
  /**
   * @param offset - Unit: bytes from the start of the disk.
   * @param bytes - Read during the call only.
   * @throws A system error; then nothing is known about the bytes of this call.
   */
  write(offset: ByteCount, bytes: Uint8Array): void;
  /**
   * Returns when everything written is on the medium.
   *
   * @throws A system error: final, never retried (a second fsync may report success wrongly:
   *   "fsyncgate", PostgreSQL 2018).
   */
  flush(): void;
  /** Drops the operating system's cache of the disk, so that reads come from the medium. */
  dropCache(): void;
  /** Makes the kernel read the partition table again. @returns False if the device is busy. */
  rereadTable(): boolean;
  /** Closes the device. Idempotent. */
  close(): void;
}

/** Bytes that are written to a disk, and their place there. */
export interface DiskWrite {
  /** Unit: bytes from the start of the disk. */
  readonly offset: ByteCount;
  /** A view; the function that made it says how long it is valid. */
  readonly bytes: Uint8Array;
}
