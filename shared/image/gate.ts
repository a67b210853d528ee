/**
 * The boot gate: what is cleared before a disk is written, and written last (promise P2).
 *
 * While the gate is closed the disk has no partition table, no boot sector and no file system that
 * anybody would recognise; in its first sector stands a record that says which image it waits for,
 * so that a node that lost power knows what it was doing. Which chunks open the gate is in the
 * image (flag bootGate); this file plans, and writes nothing.
 */
import { GAP_EDGE_BYTES, PARTITION_GATE_BYTES } from "../allocation/regions.ts";
import { ByteReader, ByteWriter } from "../core/bytes.ts";
import { crc32c, DIGEST_BYTES } from "../core/digest.ts";
import { FormatError, SituationError } from "../core/errors.ts";
import { normalRanges, type Range } from "../core/ranges.ts";
import { type ByteCount, EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { ChunkTable } from "./chunk-table.ts";
import { ChunkFlag } from "./limits.ts";
import type { Manifest } from "./manifest.ts";

/** Bytes of a gate record; on larger sectors zeros follow. */
const GATE_RECORD_BYTES = 512;
/** Longest order id. Unit: bytes of UTF-8. */
const ORDER_ID_BYTES_MAX = 64;
/** "HUCKGATE". */
const GATE_MAGIC = 0x4855434b47415445n;
const GATE_VERSION = 1;
const GATE_MESSAGE =
  "huck: imaging of this disk is incomplete. It will not boot. Load an image again.";
const GATE_MESSAGE_OFFSET = 256;
const GATE_CHECKSUM_OFFSET = 252;

/** What is cleared, and the order in which chunks open the gate again. */
export interface GatePlan {
  /** Runs of bytes to be zeroed, inside the target; a normal list. */
  readonly clear: readonly Range[];
  /** Chunks to be written last, in this order; the one with sector 0 is the very last. */
  readonly gateChunks: readonly number[];
  /** Chunks bound to the end of a disk of another size: never written. */
  readonly skipped: readonly number[];
  /** The target has another size: the GPT must be moved (fixup.ts). */
  readonly resized: boolean;
}

/** What a closed gate says. */
export interface GateRecord {
  /** Order that closed it. */
  readonly orderId: string;
  /** Image that it waits for, 32 bytes. */
  readonly imageId: Uint8Array;
}

/** Size of a target. Unit: bytes. */
export interface TargetSize {
  readonly sizeBytes: ByteCount;
  /** Logical sector size. */
  readonly sectorBytes: number;
}

/**
 * Checks that an image fits a disk.
 *
 * @param manifest - Of the image.
 * @param target - Size and logical sector size.
 * @throws {@link SituationError} `disk_too_small`, `sector_size_differs`.
 */
export function checkFits(manifest: Manifest, target: TargetSize): void {
  const { minBytes } = manifest.requires;
  if (target.sectorBytes !== manifest.disk.sectorBytes) {
    throw new SituationError(
      "sector_size_differs",
      `Cannot load image: the disk has sectors of ${target.sectorBytes} bytes, ` +
        `${manifest.disk.sectorBytes} wanted`,
      { cure: "Use a disk with the same logical sector size as the one that was saved" },
    );
  }
  if (target.sizeBytes >= minBytes) return;
  throw new SituationError(
    "disk_too_small",
    `Cannot load image: the disk has ${target.sizeBytes} bytes, ${minBytes} wanted`,
    { cure: "Use a larger disk, or shrink the last partition of the source and save it again" },
  );
}

/**
 * Plans the gate of a whole disk.
 *
 * @param manifest - Of the image.
 * @param table - Of the image.
 * @param targetBytes - Size of the target, whole sectors.
 * @returns The plan.
 * @throws {@link FormatError} `bad_extents` when the image has no sector 0 behind the gate, or
 *   content where the target has no sectors.
 */
export function planGate(manifest: Manifest, table: ChunkTable, targetBytes: ByteCount): GatePlan {
  const resized = targetBytes !== manifest.disk.sizeBytes;
  const clear: Range[] = [
    { start: 0, end: GAP_EDGE_BYTES },
    { start: targetBytes - GAP_EDGE_BYTES, end: targetBytes },
    ...manifest.partitions.map(({ startBytes, lengthBytes }) => ({
      start: startBytes,
      end: startBytes + Math.min(lengthBytes, PARTITION_GATE_BYTES),
    })),
  ];
  const gateChunks: number[] = [];
  const skipped: number[] = [];
  for (let index = 0; index < table.count; index += 1) {
    const { flags } = table.entry(index);
    if ((flags & ChunkFlag.diskEnd) !== 0 && resized) skipped.push(index);
    else if ((flags & ChunkFlag.bootGate) !== 0) gateChunks.push(index);
    else continue;
    if (skipped.at(-1) !== index) clear.push(...table.extents(index).map(bytesOf));
  }
  checkExtents(manifest, table, { gateChunks, skipped, targetBytes });
  const inside = clear.map(({ start, end }) => ({
    start: Math.max(0, start),
    end: Math.min(targetBytes, end),
  }));
  const ordered = [...gateChunks].sort((left, right) => right - left);
  return { clear: normalRanges(inside), gateChunks: ordered, skipped, resized };
}

/** @throws {@link FormatError} `bad_extents`. */
function checkExtents(
  { disk }: Manifest,
  table: ChunkTable,
  plan: Pick<GatePlan, "gateChunks" | "skipped"> & { readonly targetBytes: ByteCount },
): void {
  const unitsPerSector = disk.sectorBytes / EXTENT_UNIT_BYTES;
  const skipped = new Set(plan.skipped);
  const [head] = plan.gateChunks;
  if (head === undefined || table.extents(head)[0]?.start !== 0) {
    throw new FormatError("bad_extents", "Cannot load image: its boot gate has no sector 0");
  }
  for (let index = 0; index < table.count; index += 1) {
    if (skipped.has(index)) continue;
    for (const { start, end } of table.extents(index)) {
      const whole = start % unitsPerSector === 0 && end % unitsPerSector === 0;
      if (whole && end * EXTENT_UNIT_BYTES <= plan.targetBytes) continue;
      throw new FormatError(
        "bad_extents",
        `Cannot load image: chunk ${index} is for bytes ${start * EXTENT_UNIT_BYTES} to ` +
          `${end * EXTENT_UNIT_BYTES}, whole sectors below ${plan.targetBytes} wanted`,
      );
    }
  }
}

/**
 * Finds the chunks whose content the closing of the gate destroys: they count as lacking whatever
 * was there.
 *
 * @param table - Of the image.
 * @param clear - Runs of bytes, a normal list.
 * @returns Chunk indices, ascending.
 */
export function chunksCleared(table: ChunkTable, clear: readonly Range[]): number[] {
  const found: number[] = [];
  let run = 0;
  for (let index = 0; index < table.count; index += 1) {
    const extents = table.extents(index).map(bytesOf);
    const first = extents[0]?.start ?? 0;
    while (run < clear.length && (clear[run]?.end ?? 0) <= first) run += 1;
    if (extents.some((extent) => overlaps(extent, clear, run))) found.push(index);
  }
  return found;
}

/**
 * Writes a gate record.
 *
 * @param record - What it says.
 * @returns 512 fresh bytes without the signature 0x55AA: no firmware boots them.
 * @throws {@link FormatError} `bad_order_id` when the id is longer than 64 bytes.
 */
export function encodeGateRecord(record: GateRecord): Uint8Array {
  const orderId = new TextEncoder().encode(record.orderId);
  if (orderId.byteLength > ORDER_ID_BYTES_MAX) {
    throw new FormatError(
      "bad_order_id",
      `Cannot close gate: order id has ${orderId.byteLength} bytes, ` +
        `at most ${ORDER_ID_BYTES_MAX} wanted`,
    );
  }
  const bytes = new Uint8Array(GATE_RECORD_BYTES);
  new ByteWriter(bytes)
    .u64be(GATE_MAGIC)
    .u16be(GATE_VERSION)
    .u16be(orderId.byteLength)
    .bytes(record.imageId)
    .bytes(orderId);
  new ByteWriter(bytes, GATE_MESSAGE_OFFSET).bytes(new TextEncoder().encode(GATE_MESSAGE));
  new ByteWriter(bytes, GATE_CHECKSUM_OFFSET).u32be(
    crc32c(bytes.subarray(0, GATE_CHECKSUM_OFFSET)),
  );
  return bytes;
}

/**
 * Reads the gate record of a disk.
 *
 * @param sector - First sector of the disk, at least 512 bytes.
 * @returns What it says; undefined when the gate is not closed by huck.
 */
export function decodeGateRecord(sector: Uint8Array): GateRecord | undefined {
  const reader = new ByteReader(sector, "gate record");
  if (sector.byteLength < GATE_RECORD_BYTES || reader.u64be() !== GATE_MAGIC) return undefined;
  const checksum = new ByteReader(sector, "gate record", GATE_CHECKSUM_OFFSET).u32be();
  if (crc32c(sector.subarray(0, GATE_CHECKSUM_OFFSET)) !== checksum) return undefined;
  const version = reader.u16be();
  const orderBytes = reader.u16be();
  if (version !== GATE_VERSION || orderBytes > ORDER_ID_BYTES_MAX) return undefined;
  const imageId = new Uint8Array(reader.view(DIGEST_BYTES));
  const orderId = new TextDecoder().decode(reader.view(orderBytes));
  return { orderId, imageId };
}

function bytesOf({ start, end }: Range): Range {
  return { start: start * EXTENT_UNIT_BYTES, end: end * EXTENT_UNIT_BYTES };
}

function overlaps(extent: Range, clear: readonly Range[], from: number): boolean {
  for (let at = from; at < clear.length; at += 1) {
    const run = clear[at];
    if (run === undefined || run.start >= extent.end) return false;
    if (run.end > extent.start) return true;
  }
  return false;
}
