/**
 * Makes placements: a whole disk of the same or of another size, or one partition.
 *
 * Every reason why the target's size does not suit, or why the image contradicts itself, is found
 * here, before anything is read or written.
 */
import { GAP_EDGE_BYTES, PARTITION_GATE_BYTES } from "../allocation/regions.ts";
import { FormatError, SituationError } from "../core/errors.ts";
import { normalRanges, type Range, subtractRanges } from "../core/ranges.ts";
import { type ByteCount, EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { SectorSource } from "../disk/source.ts";
import type { ChunkTable } from "./chunk-table.ts";
import { gptFixup } from "./fixup.ts";
import { checkGeometry, endOfPartitions } from "./geometry.ts";
import { ChunkFlag } from "./limits.ts";
import type { Manifest, ManifestPartition } from "./manifest.ts";
import { type PlacedDevice, placedWithin, type PlacedRun, type Placement } from "./placement.ts";
import { signaturePlaces } from "./signature-places.ts";

/** Size of a target. Unit: bytes. */
export interface TargetSize {
  readonly sizeBytes: ByteCount;
  /** Logical sector size. */
  readonly sectorBytes: number;
}

/** The size that a placement is made for; bytes after the last whole sector do not count. */
export function targetSize(device: SectorSource): TargetSize {
  const { sectorCount, sectorBytes } = device;
  return { sizeBytes: sectorCount * sectorBytes, sectorBytes };
}

/** Which part of an image is wanted, and where it goes. */
export type PlacementChoice =
  | { readonly kind: "disk" }
  /** One partition of the image onto one of the target, which lies at `at`. Unit: bytes. */
  | { readonly kind: "partition"; readonly number: number; readonly at: Range };

/** The parts of an image that a placement depends on. */
export interface PlacedImage {
  readonly manifest: Manifest;
  readonly table: ChunkTable;
}

/**
 * Plans where an image goes.
 *
 * @param target - The disk; whole sectors.
 * @throws {@link SituationError} `disk_too_small`, `sector_size_differs`, `no_such_partition`,
 *   `partition_too_small`; {@link FormatError} `bad_geometry`, `bad_extents` for an image that
 *   contradicts itself.
 */
export function placeImage(
  image: PlacedImage,
  target: TargetSize,
  wish: PlacementChoice = { kind: "disk" },
): Placement {
  checkSectors(image.manifest, target);
  checkGeometry(image.manifest, image.table);
  if (wish.kind === "disk") return placeDisk(image, target);
  return placePartition(image, target, wish);
}

/**
 * Checks that an image fits a whole disk. A disk of the saved size always fits: nothing is moved on
 * it, so it does not matter if the GPT names sectors that the disk never had.
 *
 * @param target - Size and logical sector size.
 * @throws {@link SituationError} `disk_too_small`, `sector_size_differs`.
 */
export function checkFits(manifest: Manifest, target: TargetSize): void {
  checkSectors(manifest, target);
  const { minBytes } = manifest.requires;
  if (target.sizeBytes >= minBytes || target.sizeBytes === manifest.disk.sizeBytes) return;
  throw new SituationError(
    "disk_too_small",
    `Cannot load image: the disk has ${target.sizeBytes} bytes, ${minBytes} wanted`,
    { cure: "Use a larger disk, or shrink the last partition of the source and save it again" },
  );
}

function checkSectors({ disk }: Manifest, target: TargetSize): void {
  if (target.sectorBytes === disk.sectorBytes) return;
  throw new SituationError(
    "sector_size_differs",
    `Cannot load image: the disk has sectors of ${target.sectorBytes} bytes, ` +
      `${disk.sectorBytes} wanted`,
    { cure: "Use a disk with the same logical sector size as the one that was saved" },
  );
}

function placeDisk(image: PlacedImage, target: TargetSize): Placement {
  const { manifest, table } = image;
  checkFits(manifest, target);
  const { sizeBytes, sectorBytes } = target;
  const resized = sizeBytes !== manifest.disk.sizeBytes;
  const kept = resized ? firstOfDiskEnd(table) : table.count;
  const chunks = kept === 0 ? [] : [{ start: 0, end: kept }];
  const end = kept === 0 ? 0 : endOf(table, kept - 1);
  const run = { start: 0, end, device: 0, to: 0 };
  const gateChunks = gateOf(table, chunks);
  const head = gateChunks.at(-1);
  if (head === undefined || table.extents(head)[0]?.start !== 0) {
    throw new FormatError("bad_extents", "Cannot load image: its boot gate has no sector 0");
  }
  checkExtents({ manifest, table }, chunks, { start: 0, end: sizeBytes });
  const heads = manifest.partitions.map(({ startBytes, lengthBytes }) => ({
    start: startBytes,
    end: startBytes + Math.min(lengthBytes, PARTITION_GATE_BYTES),
  }));
  const edges = [
    { start: 0, end: GAP_EDGE_BYTES },
    { start: sizeBytes - GAP_EDGE_BYTES, end: sizeBytes },
  ];
  const bounds = { start: 0, end: sizeBytes };
  const gates = placesOf(table, gateChunks, run);
  const clear = within([...edges, ...heads, ...gates], bounds);
  const places = signaturesOf(manifest, target);
  const cleared = withBlank(image, { runs: [run], chunks }, clear, within(places, bounds));
  const moved = resized && manifest.disk.table === "gpt";
  const isGate = new Set(gateChunks);
  const gateChunksIn = (place: Range): number[] => {
    const parts = placedWithin({ runs: [run], chunks }, table, 0, place);
    return parts.map(({ chunk }) => chunk).filter((chunk) => isGate.has(chunk));
  };
  const partitionsEnd = endOfPartitions(manifest);
  const saved = { ...manifest.disk, partitionsEnd, gateChunksIn };
  const fixups = moved ? [gptFixup(head, saved, target)] : [];
  const devices = [{ bounds, ...cleared, door: { start: 0, end: sectorBytes } }];
  return { runs: [run], chunks, gateChunks, fixups, devices, resized };
}

function placePartition(
  image: PlacedImage,
  target: TargetSize,
  { number, at }: Extract<PlacementChoice, { kind: "partition" }>,
): Placement {
  const { manifest, table } = image;
  const partition = manifest.partitions.find((one) => one.number === number && one.mode !== "skip");
  if (partition === undefined) throw noSuchPartition(manifest, number);
  checkRoom(partition, target, at);
  const start = partition.startBytes;
  const end = start + partition.lengthBytes;
  const run = { start, end, device: 0, to: at.start };
  const chunks = chunksIn(table, { start, end });
  checkExtents({ manifest, table }, chunks, { start, end });
  const gateChunks = gateOf(table, chunks);
  const edge = Math.min(at.end - at.start, PARTITION_GATE_BYTES);
  const edges = [
    { start: at.start, end: at.start + edge },
    { start: at.end - edge, end: at.end },
  ];
  const clear = within([...edges, ...placesOf(table, gateChunks, run)], at);
  const door = { start: at.start, end: at.start + target.sectorBytes };
  const resized = at.end - at.start !== partition.lengthBytes;
  const places = signaturePlaces(at, target.sectorBytes);
  const cleared = withBlank(image, { runs: [run], chunks }, clear, places);
  const devices = [{ bounds: at, ...cleared, door }];
  return { runs: [run], chunks, gateChunks, fixups: [], devices, resized };
}

/**
 * The signature places of the whole disk, of every partition, and of the backup table where it
 * would stand if the target had the image's size.
 */
function signaturesOf(manifest: Manifest, { sizeBytes, sectorBytes }: TargetSize): Range[] {
  const { disk, partitions } = manifest;
  const owners = partitions.map(({ startBytes, lengthBytes }) => ({
    start: startBytes,
    end: startBytes + lengthBytes,
  }));
  return [
    ...[{ start: 0, end: sizeBytes }, ...owners].flatMap((one) =>
      signaturePlaces(one, sectorBytes),
    ),
    { start: disk.sizeBytes - GAP_EDGE_BYTES, end: disk.sizeBytes },
  ];
}

/** Adds to the runs to clear all places that no chunk is written to. */
function withBlank(
  { table }: PlacedImage,
  placed: Pick<Placement, "runs" | "chunks">,
  clear: readonly Range[],
  places: readonly Range[],
): Pick<PlacedDevice, "clear" | "blank"> {
  const wanted = normalRanges([...clear, ...places]);
  const held = wanted.flatMap((run) => placedWithin(placed, table, 0, run));
  const blank = subtractRanges(wanted, normalRanges(held));
  return { clear: normalRanges([...clear, ...blank]), blank };
}

function noSuchPartition({ partitions }: Manifest, number: number): SituationError {
  const kept = partitions.filter(({ mode }) => mode !== "skip").map((one) => one.number);
  return new SituationError(
    "no_such_partition",
    `Cannot load partition ${number}: the image has ${kept.join(", ") || "none"}`,
    { cure: "Name a partition that the image holds" },
  );
}

/** @throws {@link SituationError} `partition_too_small`. */
function checkRoom(partition: ManifestPartition, target: TargetSize, at: Range): void {
  const room = Math.min(at.end, target.sizeBytes) - at.start;
  if (at.start >= 0 && at.end <= target.sizeBytes && room >= partition.lengthBytes) return;
  throw new SituationError(
    "partition_too_small",
    `Cannot load partition ${partition.number}: the target has ${Math.max(0, room)} bytes, ` +
      `${partition.lengthBytes} wanted`,
    { cure: "Use a partition at least as long as the one that was saved" },
  );
}

/**
 * Finds the first chunk bound to the end of the disk. They come last, because they lie there.
 *
 * @throws {@link FormatError} `bad_extents`.
 */
function firstOfDiskEnd(table: ChunkTable): number {
  const bound = (chunk: number): boolean => (table.flags(chunk) & ChunkFlag.diskEnd) !== 0;
  let first = table.count;
  while (first > 0 && bound(first - 1)) first -= 1;
  for (let chunk = 0; chunk < first; chunk += 1) {
    if (!bound(chunk)) continue;
    const found = `chunk ${chunk} of ${table.count} is of the disk's end`;
    throw new FormatError("bad_extents", `Cannot load image: ${found}, with others behind it`);
  }
  return first;
}

/** The chunks whose content begins in a run; they are neighbours. */
function chunksIn(table: ChunkTable, { start, end }: Range): Range[] {
  const near = table.chunksNear({
    start: start / EXTENT_UNIT_BYTES,
    end: end / EXTENT_UNIT_BYTES,
  });
  const touches = near.start < near.end && endOf(table, near.start) > start;
  const first = touches ? near.start : near.start + 1;
  return first < near.end ? [{ start: first, end: near.end }] : [];
}

/** The gate chunks; the one that lies first on the disk comes last. */
function gateOf(table: ChunkTable, chunks: readonly Range[]): number[] {
  const gate: number[] = [];
  for (const { start, end } of chunks) {
    for (let chunk = start; chunk < end; chunk += 1) {
      if ((table.flags(chunk) & ChunkFlag.bootGate) !== 0) gate.push(chunk);
    }
  }
  return gate.reverse();
}

/** The places that gate chunks are written to, if no run cuts them. */
function placesOf(
  table: ChunkTable,
  gateChunks: readonly number[],
  { start, to }: PlacedRun,
): Range[] {
  const extents = gateChunks.flatMap((chunk) => table.extents(chunk));
  return extents.map((extent) => ({
    start: extent.start * EXTENT_UNIT_BYTES - start + to,
    end: extent.end * EXTENT_UNIT_BYTES - start + to,
  }));
}

function within(runs: readonly Range[], bounds: Range): Range[] {
  return normalRanges(
    runs.map(({ start, end }) => ({
      start: Math.max(bounds.start, start),
      end: Math.min(bounds.end, end),
    })),
  );
}

function endOf(table: ChunkTable, chunk: number): ByteCount {
  return (table.extents(chunk).at(-1)?.end ?? 0) * EXTENT_UNIT_BYTES;
}

/**
 * Checks the extents of placed chunks. Chunks ascend, so only the first and the last can leave the
 * bounds. Whether extents are whole sectors is checked only if sectors are longer than extent
 * units.
 *
 * @throws {@link FormatError} `bad_extents`.
 */
function checkExtents(
  { manifest, table }: PlacedImage,
  chunks: readonly Range[],
  bounds: Range,
): void {
  const scale = manifest.disk.sectorBytes / EXTENT_UNIT_BYTES;
  const check = (chunk: number): void => {
    for (const { start, end } of table.extents(chunk)) {
      const bytes = { start: start * EXTENT_UNIT_BYTES, end: end * EXTENT_UNIT_BYTES };
      const whole = start % scale === 0 && end % scale === 0;
      if (whole && bytes.start >= bounds.start && bytes.end <= bounds.end) continue;
      throw new FormatError(
        "bad_extents",
        `Cannot load image: chunk ${chunk} is for bytes ${bytes.start} to ${bytes.end}, ` +
          `whole sectors from ${bounds.start} to ${bounds.end} wanted`,
      );
    }
  };
  for (const { start, end } of chunks) {
    if (scale === 1) [start, end - 1].forEach(check);
    else for (let chunk = start; chunk < end; chunk += 1) check(chunk);
  }
}
