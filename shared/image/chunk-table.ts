/**
 * The chunk table: extents, record and digests of every chunk of an image. FORMAT.md section 5.
 *
 * The table is kept as the bytes it came as, and entries are read from it on demand, so an image of
 * a million chunks takes no more memory than its table. Order, bounds, lengths and slots are all
 * checked once, when the table is opened.
 */
import { ByteReader, ByteWriter } from "../core/bytes.ts";
import { DIGEST_BYTES } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import { type ChunkIndex, EXTENT_UNIT_BYTES } from "../core/units.ts";
import { Codec } from "./chunk-codec.ts";
import {
  BLOCK_BYTES,
  CHUNK_EXTENTS_MAX,
  CHUNK_RAW_BYTES_MAX,
  ChunkFlag,
  CHUNKS_MAX,
  GATE_CHUNKS_MAX,
  GATE_EXTENTS_MAX,
  GATE_RAW_BYTES_MAX,
  RECORD_ALIGNMENT,
  RECORD_HEADER_BYTES,
  SLOT_LOGS,
  TABLE_BYTES_MAX,
} from "./limits.ts";

/** "HUCT". */
const TABLE_MAGIC = 0x48554354;
/** Bytes before the first entry. */
export const TABLE_HEADER_BYTES = 16;
/** Bytes of an entry and of an extent. */
const ENTRY_BYTES = 96;
const EXTENT_BYTES = 12;
/** Offset of the flags in an entry. */
const FLAGS_OFFSET = 17;
const FIRST_EXTENT_OFFSET = 20;
const PARTITION_OFFSET = 24;
const FLAGS_KNOWN = ChunkFlag.bootGate | ChunkFlag.diskEnd;

/**
 * @param extents - Number of extents of all chunks.
 * @returns Length of the chunk table. Unit: bytes.
 */
export function tableBytesOf(chunks: number, extents: number): number {
  return TABLE_HEADER_BYTES + chunks * ENTRY_BYTES + extents * EXTENT_BYTES;
}

/**
 * Reads the head of a chunk table, so that a table with impossible counts is refused before all of
 * it is read.
 *
 * @param bytes - At least its first 16 bytes.
 * @param storedBytes - Length of the whole table; it must follow from the counts.
 * @throws {@link FormatError} `bad_table`, `truncated`.
 */
export function readTableHead(
  bytes: Uint8Array,
  storedBytes: number,
): { readonly count: number; readonly extentCount: number } {
  const reader = new ByteReader(bytes, "chunk table");
  const magic = reader.u32be();
  const count = reader.u32be();
  const extentCount = reader.u32be();
  const reserved = reader.u32be();
  const length = tableBytesOf(count, extentCount);
  if (magic !== TABLE_MAGIC || reserved !== 0 || count > CHUNKS_MAX) {
    throw bad(`it begins with ${magic.toString(16)} and ${count} chunks`);
  }
  if (length === storedBytes && length <= TABLE_BYTES_MAX) return { count, extentCount };
  throw bad(
    `${storedBytes} bytes for ${count} chunks and ${extentCount} extents, ${length} wanted`,
  );
}

/** One chunk. */
export interface ChunkEntry {
  /** Offset of its record in the image file. */
  readonly recordOffset: number;
  /** Length of the stored bytes that follow the record header. */
  readonly storedBytes: number;
  /** Bytes of disk content, at most 1 MiB. */
  readonly rawBytes: number;
  readonly codec: Codec;
  /** ChunkFlag bits. */
  readonly flags: number;
  /** Extents of this chunk: 1 .. 2048. */
  readonly extentCount: number;
  /** Position of its first extent in the list of all extents. */
  readonly firstExtent: number;
  /** Number of the partition; 0 outside partitions. */
  readonly partition: number;
  /** Size of its slot: log2 of the bytes. */
  readonly slotLog2: number;
  /** BLAKE3 of the raw bytes. Borrowed from the table. */
  readonly rawDigest: Uint8Array;
  /** BLAKE3 of the stored bytes. Borrowed from the table. */
  readonly storedDigest: Uint8Array;
}

/** A run of bytes in the image file. */
export interface ByteRun {
  /** First byte. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** An opened chunk table. */
export class ChunkTable {
  /** The table as stored: digest it, serve it or keep it. */
  readonly bytes: Uint8Array;
  /** Number of chunks. */
  readonly count: number;
  readonly #view: DataView;
  readonly #extentsOffset: number;

  /**
   * @param bytes - Stored bytes of the table record; owned by the table from here on.
   * @param diskBytes - Size of the disk; no extent may lie outside. "checked" for bytes that
   *   another thread of this program has checked: checking the table of a TiB takes seconds.
   * @throws {@link FormatError} `bad_table`, `truncated`.
   */
  constructor(bytes: Uint8Array, diskBytes: number | "checked") {
    const { count, extentCount } = readTableHead(bytes, bytes.byteLength);
    this.count = count;
    this.#extentsOffset = tableBytesOf(count, 0);
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (diskBytes !== "checked") this.#check(diskBytes / EXTENT_UNIT_BYTES, extentCount);
  }

  /**
   * @param index - 0 .. count-1.
   * @throws {@link FormatError} `no_such_chunk`.
   */
  entry(index: ChunkIndex): ChunkEntry {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) {
      throw new FormatError(
        "no_such_chunk",
        `Cannot read chunk ${index}: the image has ${this.count} chunks`,
      );
    }
    const offset = TABLE_HEADER_BYTES + index * ENTRY_BYTES;
    const view = this.#view;
    return {
      recordOffset: Number(view.getBigUint64(offset)),
      storedBytes: view.getUint32(offset + 8),
      rawBytes: view.getUint32(offset + 12),
      codec: view.getUint8(offset + 16) as Codec,
      flags: view.getUint8(offset + FLAGS_OFFSET),
      extentCount: view.getUint16(offset + 18),
      firstExtent: view.getUint32(offset + FIRST_EXTENT_OFFSET),
      partition: view.getUint16(offset + PARTITION_OFFSET),
      slotLog2: view.getUint8(offset + 26),
      rawDigest: this.bytes.subarray(offset + 32, offset + 32 + DIGEST_BYTES),
      storedDigest: this.bytes.subarray(offset + 64, offset + 64 + DIGEST_BYTES),
    };
  }

  /**
   * @param index - 0 .. count-1.
   * @returns The chunk's extents: a normal list. Unit: 512 bytes from the start of the disk.
   * @throws {@link FormatError} `no_such_chunk`.
   */
  extents(index: ChunkIndex): Range[] {
    const { firstExtent, extentCount } = this.entry(index);
    const extents: Range[] = [];
    for (let at = firstExtent; at < firstExtent + extentCount; at += 1) {
      const offset = this.#extentsOffset + at * EXTENT_BYTES;
      const start = Number(this.#view.getBigUint64(offset));
      extents.push({ start, end: start + this.#view.getUint32(offset + 8) });
    }
    return extents;
  }

  /**
   * Reads the flags of one chunk without making an entry, so that a loop over millions allocates
   * nothing.
   *
   * @param index - 0 .. count-1.
   * @returns ChunkFlag bits.
   */
  flags(index: ChunkIndex): number {
    return this.#view.getUint8(TABLE_HEADER_BYTES + index * ENTRY_BYTES + FLAGS_OFFSET);
  }

  /**
   * Reads the partition of one chunk, as {@link flags} does.
   *
   * @param index - 0 .. count-1.
   * @returns Its number; 0 outside partitions.
   */
  partition(index: ChunkIndex): number {
    return this.#view.getUint16(TABLE_HEADER_BYTES + index * ENTRY_BYTES + PARTITION_OFFSET);
  }

  /**
   * Finds the chunks that may have content in a run of the disk. Chunks ascend on the disk, so they
   * are neighbours. The first and the last may turn out to have none there: they end before the
   * run, or have a hole there.
   *
   * @param run - Unit: 512 bytes from the start of the disk.
   * @returns Indices, half-open; empty if no chunk begins before the run's end.
   */
  chunksNear(run: Range): Range {
    const end = this.#firstFrom(run.end);
    const start = Math.min(end, Math.max(0, this.#firstFrom(run.start + 1) - 1));
    return { start, end };
  }

  /** The first chunk that begins at or after `unit`. */
  #firstFrom(unit: number): number {
    let low = 0;
    for (let high = this.count; low < high; ) {
      const middle = (low + high) >>> 1;
      const entry = TABLE_HEADER_BYTES + middle * ENTRY_BYTES;
      const extent = this.#view.getUint32(entry + FIRST_EXTENT_OFFSET);
      const start = this.#view.getBigUint64(this.#extentsOffset + extent * EXTENT_BYTES);
      if (Number(start) >= unit) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * The run of the image file that is the record of a chunk: a session sends exactly these bytes.
   *
   * @param index - 0 .. count-1.
   * @returns Record header and stored bytes, without padding.
   * @throws {@link FormatError} `no_such_chunk`.
   */
  recordRange(index: ChunkIndex): ByteRun {
    const { recordOffset, storedBytes } = this.entry(index);
    return { offset: recordOffset, length: RECORD_HEADER_BYTES + storedBytes };
  }

  #check(diskUnits: number, extentCount: number): void {
    let recordEnd = BLOCK_BYTES;
    let extentsSeen = 0;
    let diskEnd = 0;
    const gate = { chunks: 0, rawBytes: 0, extents: 0 };
    for (let index = 0; index < this.count; index += 1) {
      const entry = this.entry(index);
      if ((entry.flags & ChunkFlag.bootGate) !== 0) {
        gate.chunks += 1;
        gate.rawBytes += entry.rawBytes;
        gate.extents += entry.extentCount;
        checkGate(gate);
      }
      const fault = entryFault(entry, recordEnd, extentsSeen);
      if (fault !== undefined) throw bad(`chunk ${index} ${fault}`);
      if (entry.firstExtent + entry.extentCount > extentCount) throw bad(`chunk ${index} overruns`);
      diskEnd = this.#checkExtents(index, entry, diskEnd);
      recordEnd = entry.recordOffset + RECORD_HEADER_BYTES + entry.storedBytes;
      extentsSeen += entry.extentCount;
    }
    if (diskEnd > diskUnits) throw bad(`its extents end at ${diskEnd}, the disk at ${diskUnits}`);
    if (extentsSeen !== extentCount) throw bad(`${extentCount} extents, ${extentsSeen} in chunks`);
  }

  /**
   * Checks that chunks and their extents ascend, and that each chunk stays in its slot. Returns the
   * end of the chunk.
   *
   * @throws {@link FormatError} `bad_table`.
   */
  #checkExtents(index: ChunkIndex, entry: ChunkEntry, diskEnd: number): number {
    let end = diskEnd;
    let units = 0;
    const extents = this.extents(index);
    const slotUnits = 2 ** entry.slotLog2 / EXTENT_UNIT_BYTES;
    const slot = Math.floor((extents[0]?.start ?? 0) / slotUnits);
    for (const extent of extents) {
      if (extent.start < end || extent.end <= extent.start) {
        throw bad(`chunk ${index} has an extent at ${extent.start} out of order`);
      }
      end = extent.end;
      units += extent.end - extent.start;
    }
    if (end > (slot + 1) * slotUnits) throw bad(`chunk ${index} leaves its slot`);
    if (units * EXTENT_UNIT_BYTES !== entry.rawBytes) {
      throw bad(`chunk ${index} has ${units} units of extents for ${entry.rawBytes} bytes`);
    }
    return end;
  }
}

/** Collects entries while an image is written. */
export class ChunkTableBuilder {
  #entries = new Uint8Array(ENTRY_BYTES * 64);
  #extents = new Uint8Array(EXTENT_BYTES * 64);
  #count = 0;
  #extentCount = 0;

  /** @returns Number of chunks so far. */
  get count(): number {
    return this.#count;
  }

  add(entry: Omit<ChunkEntry, "extentCount" | "firstExtent">, extents: readonly Range[]): void {
    this.#entries = grown(this.#entries, (this.#count + 1) * ENTRY_BYTES);
    this.#extents = grown(this.#extents, (this.#extentCount + extents.length) * EXTENT_BYTES);
    new ByteWriter(this.#entries, this.#count * ENTRY_BYTES)
      .u64be(entry.recordOffset)
      .u32be(entry.storedBytes)
      .u32be(entry.rawBytes)
      .u8(entry.codec)
      .u8(entry.flags)
      .u16be(extents.length)
      .u32be(this.#extentCount)
      .u16be(entry.partition)
      .u8(entry.slotLog2)
      .zeros(5)
      .bytes(entry.rawDigest)
      .bytes(entry.storedDigest);
    const writer = new ByteWriter(this.#extents, this.#extentCount * EXTENT_BYTES);
    for (const { start, end } of extents) writer.u64be(start).u32be(end - start);
    this.#count += 1;
    this.#extentCount += extents.length;
  }

  /** @returns The stored bytes of the table record; fresh. */
  finish(): Uint8Array {
    const entries = this.#entries.subarray(0, this.#count * ENTRY_BYTES);
    const extents = this.#extents.subarray(0, this.#extentCount * EXTENT_BYTES);
    const bytes = new Uint8Array(tableBytesOf(this.#count, this.#extentCount));
    new ByteWriter(bytes)
      .u32be(TABLE_MAGIC)
      .u32be(this.#count)
      .u32be(this.#extentCount)
      .u32be(0)
      .bytes(entries)
      .bytes(extents);
    return bytes;
  }
}

/** Bounds what a restore keeps in memory until it opens the gate. */
function checkGate(gate: {
  readonly chunks: number;
  readonly rawBytes: number;
  readonly extents: number;
}): void {
  const { chunks, rawBytes, extents } = gate;
  const bounded =
    chunks <= GATE_CHUNKS_MAX && rawBytes <= GATE_RAW_BYTES_MAX && extents <= GATE_EXTENTS_MAX;
  if (bounded) return;
  throw bad(
    `at least ${chunks} chunks with ${rawBytes} bytes in ${extents} extents belong to its boot ` +
      `gate, at most ${GATE_CHUNKS_MAX}, ${GATE_RAW_BYTES_MAX} and ${GATE_EXTENTS_MAX} wanted`,
  );
}

function entryFault(entry: ChunkEntry, recordEnd: number, extentsSeen: number): string | undefined {
  const { recordOffset, storedBytes, rawBytes, codec } = entry;
  if (recordOffset < recordEnd || recordOffset % RECORD_ALIGNMENT !== 0) {
    return `stands at ${recordOffset}, a multiple of 8 from ${recordEnd} on wanted`;
  }
  if (!Number.isSafeInteger(recordOffset)) return `stands at ${recordOffset}`;
  if (rawBytes === 0 || rawBytes > CHUNK_RAW_BYTES_MAX) return `has ${rawBytes} raw bytes`;
  if (storedBytes === 0 || storedBytes > rawBytes) return `has ${storedBytes} stored bytes`;
  const known: readonly number[] = Object.values(Codec);
  if (!known.includes(codec) || (codec === Codec.raw && storedBytes !== rawBytes)) {
    return `has codec ${codec} and ${storedBytes} stored bytes`;
  }
  if ((entry.flags & ~FLAGS_KNOWN) !== 0) return `has flags ${entry.flags}`;
  if (entry.extentCount === 0 || entry.extentCount > CHUNK_EXTENTS_MAX) {
    return `has ${entry.extentCount} extents`;
  }
  if (entry.firstExtent !== extentsSeen) return `begins at extent ${entry.firstExtent}`;
  return SLOT_LOGS.includes(entry.slotLog2) ? undefined : `has a slot of 2^${entry.slotLog2} bytes`;
}

function grown(bytes: Uint8Array<ArrayBuffer>, wanted: number): Uint8Array<ArrayBuffer> {
  if (wanted <= bytes.byteLength) return bytes;
  const larger = new Uint8Array(Math.max(wanted, bytes.byteLength * 2));
  larger.set(bytes);
  return larger;
}

function bad(found: string): FormatError {
  return new FormatError("bad_table", `Cannot read chunk table: ${found}`);
}
