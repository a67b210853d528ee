/**
 * Capture: from a planned disk to an image in a sink.
 *
 * Reads only what the plan keeps, chunk by chunk in ascending disk order, and writes nothing to the
 * source (promise P5). It is a pipeline: while chunks are encoded in the lanes of a pool, the next
 * chunk is read and the previous record is written. Records are written in order, so the image does
 * not depend on the number of lanes. A slow sink occupies the lanes and so slows the reading down.
 * A capture needs only a source and a sink: it runs beside a file, in a worker, or in the receiver
 * with an upload as its sink. It can be stopped between chunks.
 */
import { ExitCode, SituationError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import { type ByteCount, EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { DiskPlan, PartitionPlan } from "../allocation/plan.ts";
import type { SectorSource } from "../disk/source.ts";
import type { CodecPool } from "./codec-pool.ts";
import { passLanes } from "./lane-work.ts";
import { CHUNK_RAW_BYTES_MAX, LIST_MAX } from "./limits.ts";
import { clipText, type ManifestPartition } from "./manifest.ts";
import { type ChunkPlan, cutChunks, totalsOf } from "./slots.ts";
import { type ByteSink, ImageWriter, type ManifestInput, type WrittenImage } from "./writer.ts";

/**
 * With at least this many extents, one read of the whole span is faster than a read per extent, if
 * the span is no longer than a chunk.
 */
const SPAN_READ_EXTENTS_MIN = 4;

/** Who saves, and with which settings. */
export interface CaptureOptions {
  /** zstd level, 1 .. 19. */
  readonly level: number;
  /** 16 random bytes that name the file. */
  readonly uuid: Uint8Array;
  /** Milliseconds since 1970 UTC. */
  readonly nowMs: number;
  /** Name and version of the program. */
  readonly tool: string;
  /** Name of the computer that saves. */
  readonly host: string;
  /** Stops the capture before the next chunk. */
  readonly signal?: AbortSignal;
  /**
   * Called after every chunk.
   *
   * @param doneBytes - Content captured so far.
   * @param totalBytes - Content to capture.
   * @param fileBytes - Length of the image so far.
   */
  readonly progress?: (doneBytes: ByteCount, totalBytes: ByteCount, fileBytes: ByteCount) => void;
}

/** Destination of a capture, and the pool that encodes it. */
export interface CaptureOutput {
  readonly sink: ByteSink;
  /** Used by this capture alone; whoever opened it closes it. */
  readonly pool: CodecPool;
}

/**
 * Captures a disk.
 *
 * @param source - The disk that was planned.
 * @param plan - From `planDisk`.
 * @returns Id and sizes of the image; the sink holds all of it.
 * @throws SituationError `image_too_large` before anything is written; SituationError `aborted`; a
 *   system error of source or sink; whatever the pool or `progress` throws. Sink and pool are idle
 *   then, and the sink's content is worthless.
 */
export async function captureImage(
  source: SectorSource,
  plan: DiskPlan,
  out: CaptureOutput,
  options: CaptureOptions,
): Promise<WrittenImage> {
  const { uuid, nowMs } = options;
  const { rawBytes: totalBytes } = totalsOf(cutChunks(plan.regions, plan.sectorBytes));
  const writer = new ImageWriter(out.sink, { uuid, createdMs: nowMs });
  try {
    await writer.begin();
    await passChunks(source, plan, { writer, pool: out.pool, totalBytes }, options);
    return await writer.finish(manifestOf(plan, options, out.pool.name));
  } finally {
    await writer.settle();
  }
}

interface Recording {
  readonly writer: ImageWriter;
  readonly pool: CodecPool;
  readonly totalBytes: ByteCount;
}

/** Reads, encodes and records one chunk after the other. */
async function passChunks(
  source: SectorSource,
  plan: DiskPlan,
  { writer, pool, totalBytes }: Recording,
  options: CaptureOptions,
): Promise<void> {
  const reader = new ExtentReader(source);
  let doneBytes = 0;
  await passLanes(pool, cutChunks(plan.regions, plan.sectorBytes), {
    begin(chunk, lane, at) {
      throwIfAborted(options.signal);
      reader.read(chunk, lane.raw.subarray(0, chunk.rawBytes));
      return pool.encode(at, chunk.rawBytes, options.level);
    },
    async end(chunk, encoded, lane) {
      throwIfAborted(options.signal);
      await writer.addChunk(chunk, encoded, lane.record);
      doneBytes += chunk.rawBytes;
      options.progress?.(doneBytes, totalBytes, writer.fileBytes);
    },
  });
}

/** Reads the extents of one chunk after the other. */
class ExtentReader {
  readonly #source: SectorSource;
  readonly #span = new Uint8Array(CHUNK_RAW_BYTES_MAX);

  constructor(source: SectorSource) {
    this.#source = source;
  }

  /** `raw` has as many bytes as the chunk. */
  read({ extents }: ChunkPlan, raw: Uint8Array): void {
    const first = extents[0]?.start ?? 0;
    const spanBytes = ((extents.at(-1)?.end ?? first) - first) * EXTENT_UNIT_BYTES;
    const whole = extents.length >= SPAN_READ_EXTENTS_MIN && spanBytes <= CHUNK_RAW_BYTES_MAX;
    if (whole) this.#readRun(first, this.#span.subarray(0, spanBytes));
    let at = 0;
    for (const extent of extents) {
      const into = raw.subarray(at, at + bytesOf(extent));
      const from = (extent.start - first) * EXTENT_UNIT_BYTES;
      if (whole) into.set(this.#span.subarray(from, from + into.byteLength));
      else this.#readRun(extent.start, into);
      at += into.byteLength;
    }
  }

  #readRun(startUnit: number, into: Uint8Array): void {
    this.#source.read((startUnit * EXTENT_UNIT_BYTES) / this.#source.sectorBytes, into);
  }
}

function bytesOf({ start, end }: Range): number {
  return (end - start) * EXTENT_UNIT_BYTES;
}

function manifestOf(plan: DiskPlan, options: CaptureOptions, codec: string): ManifestInput {
  const { sectorBytes, sectorCount, table } = plan;
  return {
    disk: {
      sizeBytes: sectorCount * sectorBytes,
      sectorBytes: sectorBytes === 4096 ? 4096 : 512,
      table: table.kind,
      id: table.diskId,
    },
    partitions: plan.partitions.map((one) => partitionOf(one, sectorBytes)),
    requires: { minBytes: plan.minBytes, features: [] },
    saved: {
      at: new Date(options.nowMs).toISOString(),
      tool: clipText(options.tool),
      host: clipText(options.host),
      codec,
      level: options.level,
    },
    warnings: clipList(plan.warnings),
  };
}

/** A disk with many partitions may give more warnings than a manifest lists. */
function clipList(warnings: readonly string[]): string[] {
  const more = warnings.length - LIST_MAX;
  if (more <= 0) return warnings.map(clipText);
  const kept = warnings.slice(0, LIST_MAX - 1).map(clipText);
  return [...kept, `There were ${more + 1} warnings more.`];
}

function partitionOf(plan: PartitionPlan, sectorBytes: number): ManifestPartition {
  const { partition, mode, why, report, usedBytes } = plan;
  const fs = report === undefined ? {} : { fs: fileSystemOf(report) };
  return {
    number: partition.number,
    startBytes: partition.start * sectorBytes,
    lengthBytes: partition.sectorCount * sectorBytes,
    type: partition.type,
    name: clipText(partition.name),
    guid: partition.guid,
    mode,
    why: clipText(why),
    usedBytes,
    ...fs,
  };
}

function fileSystemOf(
  report: NonNullable<PartitionPlan["report"]>,
): NonNullable<ManifestPartition["fs"]> {
  const { kind, state, uuid, label, blockBytes, features } = report;
  return {
    kind,
    state,
    uuid,
    label: clipText(label),
    blockBytes,
    features: features.map(clipText),
  };
}

/** @throws {@link SituationError} `aborted`. */
function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new SituationError("aborted", "Cannot finish saving: it was stopped", {
    cure: "Nothing was kept; save again when you like",
    exitCode: ExitCode.aborted,
  });
}
