/**
 * Restore: writes an image from a local file to a whole disk.
 *
 * GatedDisk keeps the order of promise P2; this file has only the steps. Every chunk of the image
 * is decoded and compared before anything is erased, so a damaged image never costs a disk. Any
 * fault after that leaves the gate closed, and the first sector of the disk says so.
 */
import { ExitCode, SituationError } from "../core/errors.ts";
import type { ByteCount } from "../core/units.ts";
import type { BlockDevice } from "../disk/block-device.ts";
import type { ChunkCodec } from "./chunk-codec.ts";
import type { CodecPool } from "./codec-pool.ts";
import { GatedDisk, plainBuffer } from "./gated-disk.ts";
import { placeImage, targetSize } from "./place-image.ts";
import { passLanes } from "./lane-work.ts";
import type { ImageBytes, ImageIndex } from "./reader.ts";

/** Settings of a restore. */
export interface RestoreOptions {
  /** Names this run in the gate record; at most 64 bytes. */
  readonly orderId: string;
  /** Whether a sample or everything is read back before the gate opens. */
  readonly verify: "sample" | "full";
  /** Stops the work at the next chunk. */
  readonly signal?: AbortSignal;
  /**
   * Called after every chunk.
   *
   * @param doneBytes - Of this phase.
   * @param totalBytes - Of this phase.
   * @returns A promise is awaited, so that the caller may let other work run.
   */
  readonly progress?: (
    phase: RestorePhase,
    doneBytes: ByteCount,
    totalBytes: ByteCount,
  ) => Promise<void> | void;
}

/** The step that a restore is at. */
export type RestorePhase = "checking" | "writing" | "reading back";

/** The result of a restore. */
export interface RestoreResult {
  /** Content written. Unit: bytes. */
  readonly writtenBytes: ByteCount;
  /** Chunks read back and compared. */
  readonly verifiedChunks: number;
  /** True if the disk has another size than the saved one. */
  readonly resized: boolean;
}

/** An image that is open. */
export interface RestoreImage {
  readonly file: ImageBytes;
  readonly index: ImageIndex;
  readonly codec: ChunkCodec;
  /** Decodes its chunks; idle before and after. */
  readonly pool: CodecPool;
}

/**
 * @param image - Read only.
 * @param device - The target; the image owns all of it afterwards.
 * @returns What was written and compared; the device is flushed.
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
  const { index } = image;
  const placement = placeImage(index, targetSize(device));
  const disk = new GatedDisk({ index, placement }, device, image.codec, plainBuffer());
  const body = disk.body;
  const isBody = new Set(body);
  const run = { image, options };
  await eachChunk("checking", [...Array(index.table.count).keys()], run, (chunk, raw) => {
    if (!isBody.has(chunk)) disk.acceptDecoded(chunk, raw);
  });
  disk.checkOpening();
  disk.close(options.orderId);
  await eachChunk("writing", body, run, (chunk, raw) => {
    disk.acceptDecoded(chunk, raw);
  });
  disk.flush();
  const verifiedChunks = await readBack(disk, options);
  disk.open();
  return { writtenBytes: disk.writtenBytes, verifiedChunks, resized: disk.resized };
}

/** @returns Number of chunks compared. */
async function readBack(disk: GatedDisk, options: RestoreOptions): Promise<number> {
  const steps = disk.readBack(options.verify);
  for (;;) {
    throwIfAborted(options.signal, "reading back");
    const step = steps.next();
    if (step.done === true) return step.value;
    await options.progress?.("reading back", ...step.value);
  }
}

/**
 * Reads and decodes chunks, several at a time, and uses them in their order; progress counts their
 * content.
 */
async function eachChunk(
  phase: RestorePhase,
  chunks: readonly number[],
  { image, options }: { readonly image: RestoreImage; readonly options: RestoreOptions },
  use: (chunk: number, raw: Uint8Array) => void,
): Promise<void> {
  const { file, pool } = image;
  const { table } = image.index;
  const totalBytes = chunks.reduce((sum, chunk) => sum + table.entry(chunk).rawBytes, 0);
  let doneBytes = 0;
  await passLanes(pool, chunks, {
    begin(chunk, lane, at) {
      throwIfAborted(options.signal, phase);
      const { offset, length } = table.recordRange(chunk);
      file.read(offset, lane.record.subarray(0, length));
      return pool.decode(at, chunk, table.entry(chunk));
    },
    async end(chunk, raw) {
      throwIfAborted(options.signal, phase);
      use(chunk, raw);
      doneBytes += raw.byteLength;
      await options.progress?.(phase, doneBytes, totalBytes);
    },
  });
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
