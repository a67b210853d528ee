/**
 * Placement: where an image goes on its target, and in which order the target may be recognised.
 *
 * A whole disk of the same size, a larger or smaller one, one partition: all are placements, made
 * by place-image.ts and carried out by GatedDisk, which knows no partition table. A placement costs
 * a few runs however many chunks the image has; chunks ascend on the disk, so what belongs to a run
 * is found by halving.
 */
import assert from "node:assert/strict";
import type { Range } from "../core/ranges.ts";
import { type ByteCount, EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { ChunkTable } from "./chunk-table.ts";
import type { DiskWrite } from "./chunk-decoder.ts";

/** Content of the image that goes to one place in one piece. Unit: bytes of the saved disk. */
export interface PlacedRun extends Range {
  /** Position in {@link Placement.devices}. */
  readonly device: number;
  /** Where its first byte goes on that device. */
  readonly to: ByteCount;
}

/** What happens to one disk of a placement. All runs in bytes of that disk, whole sectors. */
export interface PlacedDevice {
  /** Nothing outside is ever written. */
  readonly bounds: Range;
  /** Zeroed when the gate closes, the door first; a normal list inside the bounds. */
  readonly clear: readonly Range[];
  /**
   * Where somebody would recognise what the image does not hold: parts of `clear` that no chunk is
   * written to, zero before the gate opens, and afterwards but for what fixups make. A normal list.
   */
  readonly blank: readonly Range[];
  /**
   * The sector that makes the rest recognisable: it holds the gate record while the gate is closed,
   * and its content is the very last write. Zeros if the image has no content for it.
   */
  readonly door: Range;
}

/** A chunk of the gate that is not written as it was saved. */
export interface Fixup {
  readonly chunk: number;
  /**
   * Makes what is written instead of the chunk.
   *
   * @param writes - The chunk at its place, one write per extent.
   * @returns Writes in their order; all of the chunk's extents, and perhaps more behind them.
   * @throws SituationError when the chunk's content cannot be made to fit.
   */
  make(writes: readonly DiskWrite[]): readonly DiskWrite[];
  /**
   * Turns what stands in the chunk's extents on the target back into what was saved.
   *
   * @param found - All bytes of the extents. Not changed.
   * @returns As many bytes; undefined when the target holds something else.
   */
  unmake(found: Uint8Array): Uint8Array | undefined;
}

/** Where an image goes. */
export interface Placement {
  /** By ascending start, disjoint. What lies in none is not written. */
  readonly runs: readonly PlacedRun[];
  /** Indices of the chunks that are written; a normal list. All of each lies in the runs. */
  readonly chunks: readonly Range[];
  /** Those of them that are kept to the end, in the order in which they are written. */
  readonly gateChunks: readonly number[];
  /** At most one per chunk, and for chunks of the gate only. */
  readonly fixups: readonly Fixup[];
  readonly devices: readonly PlacedDevice[];
  /** The target has another size than what was saved. */
  readonly resized: boolean;
}

/** Bytes for one device of a placement. */
export interface PlacedWrite extends DiskWrite {
  readonly device: number;
}

/**
 * Says where the bytes of a chunk go.
 *
 * @param chunk - One of `placement.chunks`.
 * @param raw - Its raw bytes; borrowed by the result.
 * @returns One write per extent, or more where an extent is cut by a run; ascending in the image.
 */
export function placedWrites(
  placement: Placement,
  table: ChunkTable,
  chunk: number,
  raw: Uint8Array,
): PlacedWrite[] {
  const { runs } = placement;
  const writes: PlacedWrite[] = [];
  let at = 0;
  for (const extent of table.extents(chunk)) {
    const end = extent.end * EXTENT_UNIT_BYTES;
    for (let start = extent.start * EXTENT_UNIT_BYTES; start < end; ) {
      const run = runs[runAt(runs, start)];
      assert(run !== undefined && run.start <= start, "a placed chunk lies in the runs");
      const length = Math.min(end, run.end) - start;
      const offset = run.to + start - run.start;
      writes.push({ device: run.device, offset, bytes: raw.subarray(at, at + length) });
      at += length;
      start += length;
    }
  }
  return writes;
}

/**
 * Tells where the image's content lies within a run of the target.
 *
 * @param place - Unit: bytes of that device.
 * @returns The parts of the run that placed chunks are written to, in any order.
 */
export function placedWithin(
  placement: Pick<Placement, "runs" | "chunks">,
  table: ChunkTable,
  device: number,
  place: Range,
): PlacedPart[] {
  const parts: PlacedPart[] = [];
  for (const run of placement.runs) {
    const shift = run.to - run.start;
    const start = Math.max(run.start, place.start - shift);
    const end = Math.min(run.end, place.end - shift);
    if (run.device !== device || end <= start) continue;
    const units = { start: start / EXTENT_UNIT_BYTES, end: end / EXTENT_UNIT_BYTES };
    for (const part of placedNear(placement, table, units)) {
      const from = Math.max(start, part.start);
      const to = Math.min(end, part.end);
      if (from < to) parts.push({ chunk: part.chunk, start: from + shift, end: to + shift });
    }
  }
  return parts;
}

/** All extents of the placed chunks that may have content in a run, in bytes of the saved disk. */
function placedNear(
  placement: Pick<Placement, "chunks">,
  table: ChunkTable,
  units: Range,
): PlacedPart[] {
  const { start, end } = table.chunksNear(units);
  const near = Array.from({ length: end - start }, (_, at) => start + at);
  return near
    .filter((chunk) => isPlaced(placement, chunk))
    .flatMap((chunk) =>
      table.extents(chunk).map((extent) => ({
        chunk,
        start: extent.start * EXTENT_UNIT_BYTES,
        end: extent.end * EXTENT_UNIT_BYTES,
      })),
    );
}

/** A run that a chunk is written to. Unit: bytes. */
export interface PlacedPart extends Range {
  readonly chunk: number;
}

/** Tells whether a chunk is written at all. */
export function isPlaced(placement: Pick<Placement, "chunks">, chunk: number): boolean {
  return placement.chunks.some(({ start, end }) => start <= chunk && chunk < end);
}

/** The last run that begins at `start` or before it; -1 when there is none. */
function runAt(runs: readonly PlacedRun[], start: number): number {
  let low = 0;
  for (let high = runs.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((runs[middle]?.start ?? Infinity) <= start) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
