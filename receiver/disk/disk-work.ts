/**
 * DiskWork: everything a receiver does to the one disk of its order, as the stories call it.
 *
 * The work is done by one thread (disk-thread-entry.io.ts); the stories see promises. The order of
 * calls is the order of safety: open, useImage, scan, closeGate, deliver..., flush, verify,
 * openGate. Nothing before `closeGate` writes.
 */
import type { Range } from "../../shared/core/ranges.ts";
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { LoadOrder, SaveOrder } from "../../shared/control/order.ts";
import type { VerifyLevel } from "../../shared/control/spec.ts";

/** What the story needs to know of the image. */
export interface ImageFacts {
  readonly chunkCount: number;
  /** Length of every chunk record, for the reception. */
  readonly recordLengths: Uint32Array;
  /** Content of all chunks. Unit: bytes. */
  readonly rawBytes: number;
  /**
   * Chunk to be delivered before the gate closes: only it shows whether the partition table can be
   * made to fit this disk. Undefined when nothing must fit.
   */
  readonly headToCheck: number | undefined;
}

/** What a scan found on the disk. */
export interface ScanResult {
  /** Chunks whose content is not on the disk. A normal list. */
  readonly lacking: readonly Range[];
  /**
   * `fresh`: another content; `resumed`: this image, begun before; `delta`: a complete disk that
   * differs.
   */
  readonly found: "fresh" | "resumed" | "delta" | "unchanged";
  /** Content of the lacking chunks. Unit: bytes. */
  readonly lackingBytes: number;
}

/** Told about every second during long work. */
export type Progress = (doneBytes: number, totalBytes: number) => void;

/** What capturing sends out, in order. */
export type CaptureSink = (bytes: Uint8Array) => Promise<void>;

/** The disk of one order. */
export interface DiskWork {
  /**
   * Opens the disk for this order alone.
   *
   * @param disk - What was chosen; identity and size are checked again.
   * @param access - `read`: nothing can write to it, whatever is called.
   * @throws NodeFailure `disk_in_use`, `no_disk_matches` when it is another disk by now.
   */
  open(disk: DiskDescription, access: "read" | "write"): Promise<void>;
  /**
   * Takes the image's table and checks that it is the ordered one and fits the disk.
   *
   * @param manifest - The image file from its chunk table to its end.
   * @param imageId - From the order.
   * @throws NodeFailure `image_damaged`, `disk_too_small`, `sector_size_differs`.
   */
  useImage(manifest: Uint8Array, imageId: string): Promise<ImageFacts>;
  /**
   * Finds out what the disk already holds. Reads only.
   *
   * @param delta - False takes everything anew.
   */
  scan(delta: boolean, progress: Progress): Promise<ScanResult>;
  /**
   * Clears tables and boot sectors and leaves a note of the order in sector 0. From here on the
   * disk does not boot.
   *
   * @param order - For the note.
   * @throws NodeFailure `disk_write_error`.
   */
  closeGate(order: LoadOrder): Promise<void>;
  /**
   * Checks a record and writes its content; gate sectors are kept back for `openGate`.
   *
   * @param record - Copied where the implementation crosses threads.
   * @returns "bad" when a digest differs.
   * @throws NodeFailure `disk_write_error`.
   */
  deliver(chunk: number, record: Uint8Array): Promise<"ok" | "bad">;
  /** Waits until the medium holds everything. @throws NodeFailure `disk_write_error`. */
  flush(): Promise<void>;
  /**
   * Reads back from the medium and compares digests.
   *
   * @throws NodeFailure `verify_mismatch`.
   */
  verify(level: VerifyLevel, progress: Progress): Promise<void>;
  /**
   * Writes tables and boot sectors, flushes, reads them back. @throws NodeFailure
   * `disk_write_error`, `verify_mismatch`.
   */
  openGate(): Promise<void>;
  /**
   * Reads the disk and gives the image file, piece by piece.
   *
   * @param order - Name, level, what to do with dirty file systems.
   * @param sink - Takes the pieces in order.
   * @throws NodeFailure `source_dirty`, `disk_read_error`.
   */
  capture(order: SaveOrder, sink: CaptureSink, progress: Progress): Promise<void>;
  /** Asks long work (scan, verify, capture) to stop; it then throws NodeFailure `aborted`. */
  stop(): void;
  /** Bytes of content written so far. */
  bytesWritten(): number;
  /** Closes the disk and ends the thread. Idempotent. */
  close(): Promise<void>;
}
