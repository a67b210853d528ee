/**
 * Placement: where an image goes on its target, and in which order it is written, so that the
 * target is recognised only when it is complete.
 *
 * A whole disk of the same size, a larger or smaller one, one partition: all are placements.
 * place-image.ts makes them, and GatedDisk, which knows nothing of partition tables, carries them
 * out. A placement is a few runs, however many chunks the image has. Chunks ascend on the disk, so
 * the chunks of a run are found by binary search.
 */
import assert from "node:assert/strict";
import type { Range } from "../core/ranges.ts";
import { type ByteCount, EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { DiskWrite } from "../disk/block-device.ts";
import type { ChunkTable } from "./chunk-table.ts";

/**
 * A run of the image's content that goes to one place in one piece. Unit: bytes of the saved disk.
 */
export interface PlacedRun extends Range {
  /** Index into {@link Placement.devices}. */
  readonly device: number;
  /** Destination of its first byte on that device. Unit: bytes. */
  readonly to: ByteCount;
}

/**
 * The part of a placement that concerns one disk. All runs in bytes of that disk, whole sectors.
 */
export interface PlacedDevice {
  /** Nothing outside is ever written. */
  readonly bounds: Range;
  /** Zeroed when the gate closes, the door first; a normal list inside the bounds. */
  readonly clear: readonly Range[];
  /**
   * Places where a kernel or tool would recognise a signature that is not the image's: the parts of
   * `clear` that no chunk is written to. They are zero before the gate opens, and afterwards,
   * except for what fixups write. A normal list.
   */
  readonly blank: readonly Range[];
  /**
   * The sector that makes the rest recognisable: it holds the gate record while the gate is closed,
   * and its content is the very last write. Zeros if the image has no content for it.
   */
  readonly door: Range;
}

/** A change to a gate chunk that is not written as it was saved. */
export interface Fixup {
  readonly chunk: number;
  /**
   * The other gate chunks whose content it depends on.
   *
   * @param writes - The chunk at its place, one write per extent.
   * @throws SituationError if the chunk's content cannot be made to fit.
   */
  needs(writes: readonly DiskWrite[]): readonly number[];
  /**
   * Makes the writes that replace those of the chunk.
   *
   * @param writes - The chunk at its place, one write per extent.
   * @param others - The chunks that it needs, at their places.
   * @returns Writes in their order: all of the chunk's extents, perhaps with more after them.
   * @throws SituationError if the chunk's content cannot be made to fit.
   */
  make(writes: readonly DiskWrite[], others: readonly DiskWrite[]): readonly DiskWrite[];
  /**
   * Reverses the change: from the bytes of the chunk's extents on the target to the saved bytes.
   *
   * @param found - All bytes of the extents. Not changed.
   * @returns As many bytes; undefined if the target holds something else.
   */
  unmake(found: Uint8Array): Uint8Array | undefined;
}

/** Where an image goes. */
export interface Placement {
  /** By ascending start, disjoint. Content outside all runs is not written. */
  readonly runs: readonly PlacedRun[];
  /**
   * Indices of the chunks that are written; a normal list. The runs cover each of them completely.
   */
  readonly chunks: readonly Range[];
  /** Those of them that are written last, in the order of writing. */
  readonly gateChunks: readonly number[];
  /** At most one per chunk, and only for gate chunks. */
  readonly fixups: readonly Fixup[];
  readonly devices: readonly PlacedDevice[];
  /** True if the target has another size than the saved disk. */
  readonly resized: boolean;
}

/** Bytes to write to one device of a placement. */
export interface PlacedWrite extends DiskWrite {
  readonly device: number;
}

/**
 * Assigns the bytes of a chunk to their places on the target.
 *
 * @param chunk - One of `placement.chunks`.
 * @param raw - Its raw bytes; borrowed by the result.
 * @returns One write per extent, or more if a run cuts an extent; ascending in the image.
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
 * Finds the image's content within a run of the target.
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

/** The extents of all placed chunks that may have content in a run, in bytes of the saved disk. */
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

/** The last run that begins at or before `start`; -1 if there is none. */
function runAt(runs: readonly PlacedRun[], start: number): number {
  let low = 0;
  for (let high = runs.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((runs[middle]?.start ?? Infinity) <= start) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
