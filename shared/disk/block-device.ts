/**
 * BlockDevice: a disk that is about to be written.
 *
 * Offsets and lengths are multiples of the logical sector. Writing is synchronous and belongs to
 * one worker. The data must be in the arena or in other page-aligned memory when the device was
 * opened for direct I/O; the implementation says so in `alignment`. Errors of the device are system
 * errors (EIO, ENOSPC) and are never retried here.
 */
import type { ByteCount } from "../core/units.ts";
import type { SectorSource } from "./source.ts";

/** Who a disk is, so that an order can name it and nothing else (promise P8). */
export interface DiskIdentity {
  /** Kernel name, for messages only: it changes between boots. */
  readonly path: string;
  /** Size of the whole disk. Unit: bytes. */
  readonly sizeBytes: ByteCount;
  /** Logical sector size. Unit: bytes. */
  readonly sectorBytes: number;
  /** Serial number as the device reports it; empty when it reports none. */
  readonly serial: string;
  /** World Wide Name, for example "naa.5000c500a1b2c3d4"; empty when there is none. */
  readonly wwn: string;
  /** Model text, trimmed. */
  readonly model: string;
  /** How it is attached. */
  readonly bus: "ata" | "nvme" | "scsi" | "usb" | "virtio" | "mmc" | "file" | "other";
  /** Spinning disk. */
  readonly rotational: boolean;
  /** The kernel calls the medium removable. */
  readonly removable: boolean;
  /**
   * Why the disk must not be written now: mounted, held by dm/md/LVM, swap, read-only, boot medium.
   */
  readonly inUse: readonly string[];
}

/** An open disk. Reading sees what was written. */
export interface BlockDevice extends SectorSource {
  /** Who this disk is. */
  readonly identity: DiskIdentity;
  /** Address, offset and length of every write must be a multiple of this. Unit: bytes. */
  readonly alignment: number;
  /**
   * Writes bytes.
   *
   * @param offset - Unit: bytes from the start of the disk.
   * @param bytes - Read during the call only.
   * @throws A system error; then nothing is known about the bytes of this call.
   */
  write(offset: ByteCount, bytes: Uint8Array): void;
  /**
   * Tells the device that a run of bytes holds nothing any more. A hint: contents are undefined
   * afterwards.
   *
   * @param offset - Unit: bytes.
   * @param length - Unit: bytes.
   * @returns False when the device cannot do it.
   */
  discard(offset: ByteCount, length: ByteCount): boolean;
  /**
   * Returns when everything written is on the medium.
   *
   * @throws A system error: final, never retried (a second fsync may lie: "fsyncgate", PostgreSQL
   *   2018).
   */
  flush(): void;
  /**
   * Drops what the operating system holds of the disk in memory, so that reads come from the
   * medium.
   */
  dropCache(): void;
  /** Lets the kernel read the partition table again. @returns False when the device is busy. */
  rereadTable(): boolean;
  /** Closes the device. Idempotent. */
  close(): void;
}
