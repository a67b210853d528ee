/**
 * How used sectors become chunks: FORMAT.md section 4.
 *
 * Slots are aligned to the disk, never to the content, so the same sectors give the same chunk in
 * every capture. A region is cut into slots of 64 MiB; a slot with more than 1 MiB of used bytes is
 * cut into four, and so on down to 1 MiB. So almost empty stretches of disk cost one chunk instead
 * of 64, and the cut depends on nothing but the slot.
 */
import { SituationError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import { EXTENT_UNIT_BYTES } from "../core/units.ts";
import { tableBytesOf } from "./chunk-table.ts";
import {
  CHUNK_RAW_BYTES_MAX,
  ChunkFlag,
  CHUNKS_MAX,
  SLOT_LOGS,
  TABLE_BYTES_MAX,
} from "./limits.ts";

/** A stretch of disk whose chunks have the same flags. Units of 512 bytes. */
export interface ChunkRegion {
  /** Number of the partition; 0 outside partitions. */
  readonly partition: number;
  /** {@link ChunkFlag} bits of its chunks. */
  readonly flags: number;
  /** Extents in use: a normal list. Unit: 512 bytes from the start of the disk. */
  readonly used: readonly Range[];
}

/** One chunk before it has content. */
export interface ChunkPlan {
  readonly partition: number;
  readonly flags: number;
  /** Size of its slot, as log2 of the bytes: 20, 22, 24 or 26. */
  readonly slotLog2: number;
  /** Its extents, 1 .. 2048; a normal list. Unit: 512 bytes. */
  readonly extents: readonly Range[];
  /** Sum of the extents. Unit: bytes, at most 1 MiB. */
  readonly rawBytes: number;
}

/** The part of a region of `planDisk` that is used here. */
interface SectorRegion {
  readonly partition: number;
  readonly gate: boolean;
  readonly diskEnd: boolean;
  readonly used: readonly Range[];
}

const UNITS_MAX = CHUNK_RAW_BYTES_MAX / EXTENT_UNIT_BYTES;

/**
 * Cuts the regions of a disk into chunks, one at a time, because a disk may have millions.
 *
 * @param regions - From the disk plan, by ascending start.
 * @param sectorBytes - Logical sector size of the disk.
 * @returns Chunks by ascending disk position.
 */
export function* cutChunks(
  regions: readonly SectorRegion[],
  sectorBytes: number,
): Generator<ChunkPlan> {
  const scale = sectorBytes / EXTENT_UNIT_BYTES;
  const level = SLOT_LOGS.length - 1;
  for (const { partition, gate, diskEnd, used } of regions) {
    const flags = (gate ? ChunkFlag.bootGate : 0) | (diskEnd ? ChunkFlag.diskEnd : 0);
    const units = used.map(({ start, end }) => ({ start: start * scale, end: end * scale }));
    const region = { partition, flags, used: units };
    for (const slot of slotsOf(units, SLOT_LOGS[level] ?? 0)) yield* cutSlot(region, slot, level);
  }
}

/** Totals over chunks. */
export interface ChunkTotals {
  readonly count: number;
  readonly extents: number;
  /** Unit: bytes. */
  readonly rawBytes: number;
}

/**
 * Computes the totals before the first chunk is read.
 *
 * @param chunks - From {@link cutChunks}.
 * @param chunksMax - Most chunks that an image may have.
 * @throws {@link SituationError} `image_too_large`.
 */
export function totalsOf(chunks: Iterable<ChunkPlan>, chunksMax = CHUNKS_MAX): ChunkTotals {
  let count = 0;
  let extents = 0;
  let rawBytes = 0;
  for (const chunk of chunks) {
    count += 1;
    extents += chunk.extents.length;
    rawBytes += chunk.rawBytes;
    const tableBytes = tableBytesOf(count, extents);
    if (count <= chunksMax && tableBytes <= TABLE_BYTES_MAX) continue;
    throw new SituationError(
      "image_too_large",
      `Cannot save: the disk needs more than ${count - 1} chunks and ${extents} extents, at most ` +
        `${chunksMax} chunks and a table of ${TABLE_BYTES_MAX} bytes fit into an image`,
      {
        cure: "Save partitions that are kept whole with their own tools, or free some space first",
      },
    );
  }
  return { count, extents, rawBytes };
}

function* cutSlot(
  region: ChunkRegion,
  extents: readonly Range[],
  level: number,
): Generator<ChunkPlan> {
  const slotLog2 = SLOT_LOGS[level] ?? 0;
  const units = extents.reduce((sum, { start, end }) => sum + end - start, 0);
  if (level > 0 && units > UNITS_MAX) {
    const smaller = SLOT_LOGS[level - 1] ?? 0;
    for (const slot of slotsOf(extents, smaller)) yield* cutSlot(region, slot, level - 1);
    return;
  }
  const { partition, flags } = region;
  yield { partition, flags, slotLog2, extents, rawBytes: units * EXTENT_UNIT_BYTES };
}

/** Cuts extents at slot borders; yields the extents of each slot that has any. */
function* slotsOf(extents: readonly Range[], slotLog2: number): Generator<Range[]> {
  const slotUnits = 2 ** slotLog2 / EXTENT_UNIT_BYTES;
  let slot = -1;
  let current: Range[] = [];
  for (const extent of extents) {
    for (let start = extent.start; start < extent.end; ) {
      const number = Math.floor(start / slotUnits);
      const end = Math.min(extent.end, (number + 1) * slotUnits);
      if (number !== slot && current.length > 0) {
        yield current;
        current = [];
      }
      slot = number;
      current.push({ start, end });
      start = end;
    }
  }
  if (current.length > 0) yield current;
}
