/**
 * Restore: an image file that is at hand onto a whole disk.
 *
 * The order that keeps promise P2 is GatedDisk's; here are only the steps. Every stored byte of the
 * image is proven before anything is erased, so a damaged image never costs a disk. Any fault after
 * that leaves the gate closed, and the disk says so in its first sector.
 */
import { ExitCode, SituationError } from "../core/errors.ts";
import type { ByteCount } from "../core/units.ts";
import type { BlockDevice } from "../disk/block-device.ts";
import type { ChunkCodec } from "./chunk-codec.ts";
import { GatedDisk, plainBuffer } from "./gated-disk.ts";
import { placeImage, targetSize } from "./place-image.ts";
import { openRecord, readRecord } from "./chunk-decoder.ts";
import type { ImageBytes, ImageIndex } from "./reader.ts";

/** How to restore. */
export interface RestoreOptions {
  /** Names this run in the gate record; at most 64 bytes. */
  readonly orderId: string;
  /** Read back a sample or everything before the gate opens. */
  readonly verify: "sample" | "full";
  /** Stops before the next chunk; the gate stays closed. */
  readonly signal?: AbortSignal;
  /**
   * Told after every chunk.
   *
   * @param doneBytes - Of this phase.
   * @param totalBytes - Of this phase.
   * @returns Awaited, so that the caller may give way to others.
   */
  readonly progress?: (
    phase: RestorePhase,
    doneBytes: ByteCount,
    totalBytes: ByteCount,
  ) => Promise<void> | void;
}

/** What a restore is doing. */
export type RestorePhase = "checking" | "writing" | "reading back";

/** What a restore did. */
export interface RestoreResult {
  /** Content written. Unit: bytes. */
  readonly writtenBytes: ByteCount;
  /** Chunks read back and compared. */
  readonly verifiedChunks: number;
  /** The disk has another size than the saved one. */
  readonly resized: boolean;
}

/** An image that is open. */
export interface RestoreImage {
  readonly file: ImageBytes;
  readonly index: ImageIndex;
  readonly codec: ChunkCodec;
}

/**
 * Restores an image.
 *
 * @param image - What to write; read only.
 * @param device - The target; all of it belongs to the image afterwards.
 * @returns What was done; the device is flushed.
 * @throws {@link SituationError} `disk_in_use`, `disk_too_small`, `sector_size_differs`,
 *   `gpt_not_movable`, `aborted` and FormatError of a damaged image before anything is written;
 *   after that `aborted`, FormatError `verify_mismatch` and system errors leave the gate closed.
 */
export async function restoreImage(
  image: RestoreImage,
  device: BlockDevice,
  options: RestoreOptions,
): Promise<RestoreResult> {
  checkUnused(device);
  const { table } = image.index;
  const { index } = image;
  const placement = placeImage(index, targetSize(device));
  const disk = new GatedDisk({ index, placement }, device, image.codec, plainBuffer());
  const body = disk.body;
  const isBody = new Set(body);
  const run = { image, options };
  await eachChunk("checking", [...Array(table.count).keys()], run, (chunk, record) => {
    if (isBody.has(chunk)) openRecord(record, table.entry(chunk), chunk);
    else disk.accept(chunk, record);
  });
  disk.checkOpening();
  disk.close(options.orderId);
  await eachChunk("writing", body, run, (chunk, record) => {
    disk.accept(chunk, record);
  });
  disk.flush();
  const verifiedChunks = disk.readBack(options.verify, (done, total) => {
    throwIfAborted(options.signal, "reading back");
    void options.progress?.("reading back", done, total);
  });
  disk.open();
  return { writtenBytes: disk.writtenBytes, verifiedChunks, resized: disk.resized };
}

/** Reads chunk after chunk; progress counts their content. */
async function eachChunk(
  phase: RestorePhase,
  chunks: readonly number[],
  { image, options }: { readonly image: RestoreImage; readonly options: RestoreOptions },
  use: (chunk: number, record: Uint8Array) => void,
): Promise<void> {
  const { table } = image.index;
  const totalBytes = chunks.reduce((sum, chunk) => sum + table.entry(chunk).rawBytes, 0);
  let doneBytes = 0;
  for (const chunk of chunks) {
    throwIfAborted(options.signal, phase);
    use(chunk, readRecord(image.file, table, chunk));
    doneBytes += table.entry(chunk).rawBytes;
    await options.progress?.(phase, doneBytes, totalBytes);
  }
}

function checkUnused(device: BlockDevice): void {
  const { path, inUse } = device.identity;
  if (inUse.length === 0) return;
  throw new SituationError("disk_in_use", `Cannot write "${path}": ${inUse.join(", ")}`, {
    cure: "Unmount it, or release what holds it, and try again",
  });
}

/** @throws {@link SituationError} `aborted`. */
function throwIfAborted(signal: AbortSignal | undefined, phase: RestorePhase): void {
  if (signal?.aborted !== true) return;
  const cure =
    phase === "checking"
      ? "Nothing was written; restore it again"
      : "The disk does not boot now; restore it again";
  throw new SituationError("aborted", "Cannot finish restoring: it was stopped", {
    cure,
    exitCode: ExitCode.aborted,
  });
}
