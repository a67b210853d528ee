/**
 * The geometry of an image: whether partitions, chunks and the smallest disk go together.
 *
 * An image may come from anywhere, and a placement clears and writes where the manifest says, so
 * whatever contradicts itself is refused before a byte is written.
 */
import { FormatError } from "../core/errors.ts";
import { type ByteCount, EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { ChunkTable } from "./chunk-table.ts";
import { ChunkFlag } from "./limits.ts";
import type { Manifest, ManifestPartition } from "./manifest.ts";

/** @returns The end of the last partition; 0 without partitions. Unit: bytes of the saved disk. */
export function endOfPartitions({ partitions }: Manifest): ByteCount {
  return Math.max(0, ...partitions.map(endOfPartition));
}

/**
 * Checks that partitions lie on the disk one after the other, that content lies in the partition
 * that it is said to be of, and that the smallest disk holds all of it.
 *
 * @throws {@link FormatError} `bad_geometry`.
 */
export function checkGeometry(manifest: Manifest, table: ChunkTable): void {
  checkPartitions(manifest);
  checkContent(manifest, table);
  checkSmallest(manifest, table);
}

function endOfPartition({ startBytes, lengthBytes }: ManifestPartition): ByteCount {
  return startBytes + lengthBytes;
}

function checkPartitions({ disk, partitions }: Manifest): void {
  let last = 0;
  let end = 0;
  for (const one of partitions) {
    const place = `${one.startBytes} to ${endOfPartition(one)}`;
    const whole =
      one.startBytes % disk.sectorBytes === 0 && one.lengthBytes % disk.sectorBytes === 0;
    if (!whole || one.lengthBytes === 0 || endOfPartition(one) > disk.sizeBytes) {
      throw bad(`partition ${one.number} covers bytes ${place}, the disk has ${disk.sizeBytes}`);
    }
    if (one.startBytes < last) throw bad(`partition ${one.number} is out of order`);
    last = one.startBytes;
    if (one.mode === "skip") continue; // it encloses others
    if (one.startBytes < end) throw bad(`partition ${one.number} begins inside of another`);
    end = endOfPartition(one);
  }
}

/** Chunks ascend, so those of a partition are neighbours, and the first and last tell of all. */
function checkContent({ partitions }: Manifest, table: ChunkTable): void {
  let next = 0;
  const take = (end: number, number: number): void => {
    for (; next < end; next += 1) {
      const found = table.partition(next);
      if (found !== number) throw bad(`chunk ${next} is of ${found} and lies in ${number}`);
    }
  };
  for (const one of partitions) {
    if (one.mode === "skip") continue;
    const start = one.startBytes / EXTENT_UNIT_BYTES;
    const end = endOfPartition(one) / EXTENT_UNIT_BYTES;
    const near = table.chunksNear({ start, end });
    if (near.start === near.end) continue;
    const before = (table.extents(near.start)[0]?.start ?? 0) < start;
    if (before && endOf(table, near.start) > start) throw leaves(near.start, one);
    take(before ? near.start + 1 : near.start, 0);
    take(near.end, one.number);
    if (endOf(table, near.end - 1) > end) throw leaves(near.end - 1, one);
  }
  take(table.count, 0);
}

function leaves(chunk: number, { number }: ManifestPartition): FormatError {
  return bad(`chunk ${chunk} lies across a border of partition ${number}`);
}

function checkSmallest(manifest: Manifest, table: ChunkTable): void {
  const { minBytes } = manifest.requires;
  let kept = table.count;
  while (kept > 0 && (table.flags(kept - 1) & ChunkFlag.diskEnd) !== 0) kept -= 1;
  const content = kept === 0 ? 0 : endOf(table, kept - 1) * EXTENT_UNIT_BYTES;
  const end = Math.max(content, endOfPartitions(manifest));
  if (minBytes < end) throw bad(`it is to fit a disk of ${minBytes} bytes, and reaches to ${end}`);
}

/** Unit: 512 bytes. */
function endOf(table: ChunkTable, chunk: number): number {
  return table.extents(chunk).at(-1)?.end ?? 0;
}

function bad(found: string): FormatError {
  return new FormatError("bad_geometry", `Cannot load image: ${found}`);
}
