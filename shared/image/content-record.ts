/**
 * The content record: an image's content in one canonical byte string. FORMAT.md section 7.
 *
 * Its BLAKE3 is the image id. It holds geometry, partitions, capture modes and, chunk by chunk, the
 * place of the bytes and their digest. It does not say when, where, by whom or how they were saved
 * or compressed. It is never stored: it can be computed from manifest and chunk table, so the id is
 * checked wherever it is used.
 */
import { ByteWriter } from "../core/bytes.ts";
import { blake3Stream, DIGEST_BYTES } from "../core/digest.ts";
import { EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { ChunkTable } from "./chunk-table.ts";

/** First bytes of the record; they keep its digests apart from all others. */
const DOMAIN = new TextEncoder().encode("huck content 1\n\0");
const HEAD_BYTES = 24;
const PARTITION_BYTES = 20;
const CHUNK_HEAD_BYTES = 8;
const EXTENT_BYTES = 12;

const TABLE_NUMBERS = { none: 0, mbr: 1, gpt: 2 } as const;
const MODE_NUMBERS = { allocated: 0, raw: 1, skip: 2 } as const;

/** The part of a manifest that belongs to the content. */
export interface ContentGeometry {
  readonly disk: {
    /** Unit: bytes. */
    readonly sizeBytes: number;
    /** Logical sector size. Unit: bytes. */
    readonly sectorBytes: number;
    readonly table: keyof typeof TABLE_NUMBERS;
  };
  /** By ascending start. */
  readonly partitions: readonly {
    readonly number: number;
    readonly startBytes: number;
    readonly lengthBytes: number;
    readonly mode: keyof typeof MODE_NUMBERS;
  }[];
}

/** @returns The image id: 32 fresh bytes. */
export function imageIdOf(geometry: ContentGeometry, table: ChunkTable): Uint8Array {
  const stream = blake3Stream();
  stream.update(DOMAIN);
  stream.update(headOf(geometry, table.count));
  for (let index = 0; index < table.count; index += 1) stream.update(chunkOf(table, index));
  return stream.finish();
}

function headOf({ disk, partitions }: ContentGeometry, chunkCount: number): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + partitions.length * PARTITION_BYTES);
  const writer = new ByteWriter(bytes)
    .u64be(disk.sizeBytes)
    .u32be(disk.sectorBytes)
    .u8(TABLE_NUMBERS[disk.table])
    .zeros(3)
    .u32be(partitions.length)
    .u32be(chunkCount);
  for (const { number, startBytes, lengthBytes, mode } of partitions) {
    writer
      .u16be(number)
      .u8(MODE_NUMBERS[mode])
      .u8(0)
      .u64be(startBytes / EXTENT_UNIT_BYTES)
      .u64be(lengthBytes / EXTENT_UNIT_BYTES);
  }
  return bytes;
}

function chunkOf(table: ChunkTable, index: number): Uint8Array {
  const { slotLog2, flags, partition, extentCount, rawDigest } = table.entry(index);
  const length = CHUNK_HEAD_BYTES + extentCount * EXTENT_BYTES + DIGEST_BYTES;
  const bytes = new Uint8Array(length);
  const writer = new ByteWriter(bytes).u8(slotLog2).u8(flags).u16be(partition).u32be(extentCount);
  for (const { start, end } of table.extents(index)) writer.u64be(start).u32be(end - start);
  writer.bytes(rawDigest);
  return bytes;
}
