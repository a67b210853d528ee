/**
 * DiskWork: everything that load.ts and save.ts do to the one disk of an order.
 *
 * One thread does the work (disk-thread-entry.io.ts); the callers get promises. Safety depends on
 * the order of calls: open, useImage, scan, chunkToCheck and deliver, closeGate, deliver..., flush,
 * verify, openGate. Nothing is written before `closeGate`.
 */
import type { Range } from "../../shared/core/ranges.ts";
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { Order } from "../../shared/control/order.ts";

/** What a load must know of the image. */
export interface ImageFacts {
  readonly chunkCount: number;
  /** Length of every chunk record, for the reception. */
  readonly recordLengths: Uint32Array;
  /** Content of all chunks, uncompressed. Unit: bytes. */
  readonly rawBytes: number;
}

/** What a scan found on the disk. */
export interface ScanResult {
  /** Chunks whose content is not on the disk. A normal list. */
  readonly lacking: readonly Range[];
  /**
   * `fresh`: other content; `resumed`: this image, whose load was begun before; `delta`: a complete
   * disk, some chunks differ; `unchanged`: a complete disk, nothing differs.
   */
  readonly found: "fresh" | "resumed" | "delta" | "unchanged";
  /** Content of the lacking chunks. Unit: bytes. */
  readonly lackingBytes: number;
}

/** Called about every second during long work. */
export type Progress = (doneBytes: number, totalBytes: number) => void;

/** Takes the pieces of a captured image, in order. */
export type CaptureSink = (bytes: Uint8Array) => Promise<void>;

/** The disk of one order. */
export interface DiskWork {
  /**
   * Opens the disk exclusively for an order, which every later call obeys.
   *
   * @param disk - The disk that was chosen; identity and size are checked again.
   * @param access - `read`: no later call can write to it.
   * @throws NodeFailure `disk_in_use`; `no_disk_matches` if it is another disk by now.
   */
  open(order: Order, disk: DiskDescription, access: "read" | "write"): Promise<void>;
  /**
   * Takes the image's table, and checks that it is of the ordered image and fits the disk.
   *
   * @param tail - The image file from its chunk table to its end.
   * @throws NodeFailure `image_damaged`, `disk_too_small`, `sector_size_differs`.
   */
  useImage(tail: Uint8Array): Promise<ImageFacts>;
  /** Finds out which chunks the disk already holds, if the order wants that. Only reads. */
  scan(progress: Progress): Promise<ScanResult>;
  /**
   * A chunk that must be delivered before the gate closes, because only its content shows whether
   * the partition table can be made to fit this disk. When it is there, another may be wanted.
   *
   * @returns Undefined if nothing, or nothing more, must be looked at.
   */
  chunkToCheck(): Promise<number | undefined>;
  /**
   * Clears tables and boot sectors and writes the gate record of the order. From here on the disk
   * does not boot.
   *
   * @throws NodeFailure `disk_write_error`.
   */
  closeGate(): Promise<void>;
  /**
   * Checks a record and writes its content; gate sectors are kept in memory for `openGate`.
   *
   * @param record - Copied if the implementation passes it to another thread in memory that is not
   *   shared.
   * @returns "bad" if a digest differs.
   * @throws NodeFailure `disk_write_error`.
   */
  deliver(chunk: number, record: Uint8Array): Promise<"ok" | "bad">;
  /** Waits until the medium holds everything. @throws NodeFailure `disk_write_error`. */
  flush(): Promise<void>;
  /**
   * Reads back from the medium as much as the order wants, and compares digests.
   *
   * @throws NodeFailure `verify_mismatch`.
   */
  verify(progress: Progress): Promise<void>;
  /**
   * Writes tables and boot sectors, flushes, reads them back. @throws NodeFailure
   * `disk_write_error`, `verify_mismatch`.
   */
  openGate(): Promise<void>;
  /**
   * Reads the disk and sends the image file, piece by piece.
   *
   * @param sink - Takes the pieces in order.
   * @throws NodeFailure `source_dirty`, `disk_read_error`.
   */
  capture(sink: CaptureSink, progress: Progress): Promise<void>;
  /**
   * Asks the work to stop. Then a scan, a verify or a capture that is under way ends at its next
   * chunk, the gate is not closed any more, and no chunk is written: their promises reject with
   * NodeFailure `aborted`.
   */
  stop(): void;
  /** Bytes of content written so far. */
  bytesWritten(): number;
  /** Closes the disk and ends the thread. Idempotent. */
  close(): Promise<void>;
}
