/**
 * Capture: from a planned disk to an image in a sink.
 *
 * Reads what the plan keeps, chunk by chunk in ascending disk order, and never anything else;
 * writes nothing to the source (promise P5). It runs wherever there is a source and a sink: beside
 * a file, in a worker, in the receiver with an upload as its sink. It can be stopped between
 * chunks.
 */
import { ExitCode, SituationError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import { type ByteCount, EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { DiskPlan, PartitionPlan } from "../allocation/plan.ts";
import type { SectorSource } from "../disk/source.ts";
import type { ChunkCodec } from "./chunk-codec.ts";
import { CHUNK_RAW_BYTES_MAX, LIST_MAX } from "./limits.ts";
import { clipText, type ManifestPartition } from "./manifest.ts";
import { type ChunkPlan, cutChunks, totalsOf } from "./slots.ts";
import { type ByteSink, ImageWriter, type ManifestInput, type WrittenImage } from "./writer.ts";

/**
 * Extents from which on one read of the whole span beats a read per extent, when the span is no
 * longer than a chunk.
 */
const SPAN_READ_EXTENTS_MIN = 4;

/** Who saves, and how. */
export interface CaptureOptions {
  /** zstd level, 1 .. 19. */
  readonly level: number;
  /** Random; names the file. 16 bytes. */
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
   * Told after every chunk.
   *
   * @param doneBytes - Content captured so far.
   * @param totalBytes - Content to capture.
   * @param fileBytes - Length of the image so far.
   */
  readonly progress?: (doneBytes: ByteCount, totalBytes: ByteCount, fileBytes: ByteCount) => void;
}

/** Where a capture goes, and through which codec. */
export interface CaptureOutput {
  readonly sink: ByteSink;
  /** Used by this capture alone. */
  readonly pool: ChunkCodec;
}

/**
 * Captures a disk.
 *
 * @param source - The disk that was planned.
 * @param plan - From `planDisk`.
 * @param out - See {@link CaptureOutput}.
 * @param options - See {@link CaptureOptions}.
 * @returns What the image became; the sink holds all of it.
 * @throws SituationError `image_too_large` before anything is written, `aborted`; a system error of
 *   source or sink. The sink is idle, its content worthless.
 */
export async function captureImage(
  source: SectorSource,
  plan: DiskPlan,
  out: CaptureOutput,
  options: CaptureOptions,
): Promise<WrittenImage> {
  const { uuid, nowMs } = options;
  const writer = new ImageWriter(out.sink, out.pool, { uuid, createdMs: nowMs });
  const chunks = (): Iterable<ChunkPlan> => cutChunks(plan.regions, plan.sectorBytes);
  const { rawBytes: totalBytes } = totalsOf(chunks());
  const reader = new ExtentReader(source);
  let doneBytes = 0;
  try {
    await writer.begin();
    for (const chunk of chunks()) {
      if (options.signal?.aborted === true) throw abortedError();
      await writer.addChunk(chunk, reader.read(chunk), options.level);
      doneBytes += chunk.rawBytes;
      options.progress?.(doneBytes, totalBytes, writer.fileBytes);
    }
    return await writer.finish(manifestOf(plan, options, out.pool.name));
  } finally {
    await writer.settle();
  }
}

/** Reads the extents of one chunk after the other into a buffer of its own. */
class ExtentReader {
  readonly #source: SectorSource;
  readonly #raw = new Uint8Array(CHUNK_RAW_BYTES_MAX);
  readonly #span = new Uint8Array(CHUNK_RAW_BYTES_MAX);

  constructor(source: SectorSource) {
    this.#source = source;
  }

  /** Valid until the next call. */
  read(chunk: ChunkPlan): Uint8Array {
    const { extents, rawBytes } = chunk;
    const first = extents[0]?.start ?? 0;
    const spanBytes = ((extents.at(-1)?.end ?? first) - first) * EXTENT_UNIT_BYTES;
    const raw = this.#raw.subarray(0, rawBytes);
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
    return raw;
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

/** A disk of many partitions may have more to say than a manifest lists. */
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

function abortedError(): SituationError {
  return new SituationError("aborted", "Cannot finish saving: it was stopped", {
    cure: "Nothing was kept; save again when you like",
    exitCode: ExitCode.aborted,
  });
}
