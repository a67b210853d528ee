/**
 * Numbers of the image format, version 1: FORMAT.md explains each.
 *
 * Every reader enforces the limits before it allocates or loops, because an image may come from
 * anywhere.
 */

/** Version of the format that this code writes; a reader refuses another major. */
export const FORMAT_MAJOR = 1;
/** Counts additions that an older reader may ignore. */
export const FORMAT_MINOR = 0;
/** Bytes of header and footer. */
export const BLOCK_BYTES = 4096;
/** Bytes of a record header. */
export const RECORD_HEADER_BYTES = 56;
/** Records begin at multiples of this. Unit: bytes. */
export const RECORD_ALIGNMENT = 8;
/** Most chunks of an image: 16 TiB at 1 MiB. */
export const CHUNKS_MAX = 2 ** 24;
/** Most bytes of disk in one chunk. */
export const CHUNK_RAW_BYTES_MAX = 1 << 20;
/** Most extents of one chunk: 1 MiB in pieces of 512 bytes. */
export const CHUNK_EXTENTS_MAX = 2048;
/**
 * Most bytes of a chunk table: 2^24 chunks with 2.6 extents each. Node.js reads no more into one
 * buffer.
 */
export const TABLE_BYTES_MAX = 2 ** 31 - 1;
/**
 * Most gate chunks, raw bytes and extents of all gate chunks together. A writer of the gate keeps
 * these chunks in memory until the end. A save makes at most 64 MiB in front of the first
 * partition, 128 KiB for each of 256 partitions, their tables, and 1 MiB at the end of the disk.
 */
export const GATE_CHUNKS_MAX = 4096;
export const GATE_RAW_BYTES_MAX = 128 << 20;
export const GATE_EXTENTS_MAX = 1 << 16;
/**
 * Most bytes of a tail (chunk table, manifest and what follows) that a node takes, because it holds
 * it in memory: 620 000 chunks of one extent each, or 21 000 chunks of 256 extents. An image file
 * may have a longer one; a load of it is refused.
 */
export const TAIL_BYTES_MAX = 64 << 20;
/** Most bytes of a manifest. */
export const MANIFEST_BYTES_MAX = 8 << 20;
/** Most values (objects, lists and what they hold) of a manifest, and their depth. */
export const MANIFEST_VALUES_MAX = 1 << 16;
export const MANIFEST_DEPTH_MAX = 8;
/** Most bytes between manifest and footer: signatures and notes. */
export const TRAILER_BYTES_MAX = 1 << 20;
/** Most bytes of one text in a manifest, as UTF-8. */
export const TEXT_BYTES_MAX = 255;
/** Most warnings and features one manifest lists. */
export const LIST_MAX = 256;
/** Sizes of slots as powers of two: 1, 4, 16, 64 MiB. */
export const SLOT_LOGS: readonly number[] = [20, 22, 24, 26];
/** zstd level of a save that does not name one. */
export const DEFAULT_LEVEL = 3;

/** Bits of a chunk's flags. */
export const ChunkFlag = {
  /** Cleared before a restore and written last. */
  bootGate: 0x01,
  /** Written only if the target has the size of the saved disk. */
  diskEnd: 0x02,
} as const;

/** Types of records. A reader skips unknown types from 0x80 up, and refuses other unknown types. */
export const RecordType = {
  chunk: 0x01,
  table: 0x02,
  manifest: 0x03,
  signature: 0x84,
  note: 0x85,
} as const;
/** One of the {@link RecordType} numbers. */
export type RecordType = (typeof RecordType)[keyof typeof RecordType];
