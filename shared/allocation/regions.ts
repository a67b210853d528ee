/**
 * The disk cut into regions: runs of sectors that are captured, gated and restored by one rule.
 *
 * Every sector lies in at most one region; sectors outside all regions are never read or written. A
 * partition gives three regions: firmware and kernels recognise it by its first and last 64 KiB, so
 * these belong to the boot gate. Gaps are kept by their size, the table and the operator's word,
 * never by their content. A gap that was zero must be zero again after a restore, or the next save
 * would find the old tenant's bytes and get another image id.
 */
import {
  intersectRanges,
  normalRanges,
  type Range,
  rangesWithin,
  subtractRanges,
} from "../core/ranges.ts";
import type { Partition, PartitionTable } from "../disk/table.ts";

/**
 * Head and tail of a partition that belong to the boot gate, because superblocks and boot sectors
 * lie there. Unit: bytes.
 */
export const PARTITION_GATE_BYTES = 65536;
/** Gaps up to this length are kept whole. Unit: bytes. */
const GAP_WHOLE_MAX_BYTES = 64 << 20;
/**
 * This much is kept at each edge of longer gaps, and of the space after the last partition. Unit:
 * bytes.
 */
export const GAP_EDGE_BYTES = 1 << 20;

/** A run of sectors under one rule. */
export interface Region extends Range {
  /** Number of the partition; 0 for sectors outside partitions and for a disk without a table. */
  readonly partition: number;
  /** True if it is cleared before a restore and written last. */
  readonly gate: boolean;
  /**
   * True if it is bound to the end of the disk: written only if the target has the very same size.
   */
  readonly diskEnd: boolean;
  /** Sectors to keep, inside the region; a normal list. */
  readonly used: readonly Range[];
}

/** A partition, and the sectors of it that are kept. */
export interface PartitionUse {
  readonly partition: Partition;
  /** Absolute sectors; a normal list inside the partition. */
  readonly used: readonly Range[];
}

export interface DiskSize {
  /** Unit: sectors. */
  readonly sectorCount: number;
  /** Logical sector size. Unit: bytes. */
  readonly sectorBytes: number;
}

/** A disk whose gaps are to be cut. */
export interface GapDisk extends DiskSize {
  /** Keep gaps whole, however long they are; default: false. */
  readonly keepGaps?: boolean;
}

/**
 * @param uses - All partitions that are no containers, by ascending start.
 * @returns Regions by ascending start; those that keep nothing are left out.
 */
export function cutRegions(
  table: PartitionTable,
  uses: readonly PartitionUse[],
  disk: GapDisk,
): Region[] {
  const regions: Region[] = [];
  const gateSectors = PARTITION_GATE_BYTES / disk.sectorBytes;
  for (const { partition, used } of uses) {
    const start = partition.start;
    const end = start + partition.sectorCount;
    const head = Math.min(end, start + gateSectors);
    const tail = Math.max(head, end - gateSectors);
    const add = (span: Range, gate: boolean): void => {
      const number = partition.number;
      const inside = rangesWithin(used, span);
      regions.push({ ...span, partition: number, gate, diskEnd: false, used: inside });
    };
    add({ start, end: head }, true);
    add({ start: head, end: tail }, false);
    add({ start: tail, end }, true);
  }
  regions.push(...gapRegions(table, uses, disk));
  regions.sort((left, right) => left.start - right.start);
  return regions.filter((region) => region.used.length > 0);
}

/**
 * Finds the parts of the gaps between and around the partitions that are not kept.
 *
 * @param uses - All partitions that are no containers.
 * @returns A normal list of sectors outside all partitions.
 */
export function lostInGaps(
  table: PartitionTable,
  uses: readonly PartitionUse[],
  disk: GapDisk,
): Range[] {
  return gapsBetween(uses, disk.sectorCount).flatMap((gap) =>
    subtractRanges([gap], normalRanges([...keptOfGap(gap, table, disk), ...table.tableSectors])),
  );
}

/** The runs of sectors that no partition covers; a normal list. */
function gapsBetween(uses: readonly PartitionUse[], sectorCount: number): Range[] {
  const spans = uses.map(({ partition }) => ({
    start: partition.start,
    end: partition.start + partition.sectorCount,
  }));
  return subtractRanges([{ start: 0, end: sectorCount }], normalRanges(spans));
}

function gapRegions(table: PartitionTable, uses: readonly PartitionUse[], disk: GapDisk): Region[] {
  const regions: Region[] = [];
  const whole = (span: Range, gate: boolean, diskEnd: boolean): void => {
    if (span.end > span.start) regions.push({ ...span, partition: 0, gate, diskEnd, used: [span] });
  };
  for (const gap of gapsBetween(uses, disk.sectorCount)) {
    const kept = keptOfGap(gap, table, disk);
    const tables = intersectRanges(table.tableSectors, [gap]);
    const { endStart, copies } = boundToEnd(gap, kept, table, disk);
    const before = [{ start: gap.start, end: endStart }];
    const tail = intersectRanges(kept, [{ start: endOfGap(gap, disk), end: gap.end }]);
    const gates = normalRanges([...tables, ...(gap.start === 0 ? kept : tail)]);
    const own = subtractRanges(intersectRanges(gates, before), copies);
    for (const span of own) whole(span, true, false);
    for (const span of copies) whole(span, true, true);
    const plain = subtractRanges(intersectRanges(kept, before), gates);
    for (const span of plain) whole(span, false, false);
    whole({ start: endStart, end: gap.end }, true, true);
  }
  return regions;
}

/**
 * What is kept of a gap by its length, and what the table is unclear about; everything if the
 * operator says so.
 */
function keptOfGap(gap: Range, table: PartitionTable, disk: GapDisk): Range[] {
  if (disk.keepGaps === true) return [gap];
  const unclear = intersectRanges(table.unclear ?? [], [gap]);
  return normalRanges([...edgesOfGap(gap, disk), ...unclear]);
}

/**
 * What of a gap is bound to the end of the disk: its last MiB, or what of it stands behind the
 * table itself, and before that a copy of the table behind everything else that is kept.
 */
function boundToEnd(
  gap: Range,
  kept: readonly Range[],
  table: PartitionTable,
  disk: GapDisk,
): { readonly endStart: number; readonly copies: readonly Range[] } {
  const endStart = endOfGap(gap, disk);
  if (gap.end !== disk.sectorCount) return { endStart, copies: [] };
  const copySectors = table.copySectors ?? [];
  const endOf = (ranges: readonly Range[], end: number): number =>
    rangesWithin(subtractRanges(ranges, copySectors), { start: gap.start, end }).at(-1)?.end ?? 0;
  const bound = Math.max(endStart, endOf(table.tableSectors, gap.end));
  const start = Math.max(gap.start, endOf(kept, bound), endOf(table.tableSectors, bound));
  return { endStart: bound, copies: rangesWithin(copySectors, { start, end: bound }) };
}

/**
 * A gap at the end of the disk keeps its last MiB; if the gap is the whole disk, its head as well.
 */
function edgesOfGap(gap: Range, disk: DiskSize): Range[] {
  const edge = GAP_EDGE_BYTES / disk.sectorBytes;
  const head = { start: gap.start, end: Math.min(gap.end, gap.start + edge) };
  if (gap.end === disk.sectorCount) {
    const tail = { start: endOfGap(gap, disk), end: gap.end };
    return normalRanges(gap.start === 0 ? [head, tail] : [tail]);
  }
  if ((gap.end - gap.start) * disk.sectorBytes <= GAP_WHOLE_MAX_BYTES) return [gap];
  return [head, { start: gap.end - edge, end: gap.end }];
}

/**
 * The start of the part of a gap that is bound to the end of the disk: its last MiB, where a backup
 * GPT lies. The first MiB of the disk never belongs to that part.
 */
function endOfGap(gap: Range, disk: DiskSize): number {
  if (gap.end !== disk.sectorCount) return gap.end;
  const edge = GAP_EDGE_BYTES / disk.sectorBytes;
  const first = gap.start === 0 ? edge : gap.start;
  return Math.min(gap.end, Math.max(first, gap.end - edge));
}
