/**
 * First and last 4096 bytes of an image file: FORMAT.md sections 2 and 6.
 *
 * The header names the format and says nothing about the content, so a writer never has to go back.
 * The footer is the commit mark: a file without a valid footer at its very end is torn, whatever
 * else it holds.
 */
import { ByteReader, ByteWriter } from "../core/bytes.ts";
import { crc32c, DIGEST_BYTES } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import { SLOT_BYTES } from "../core/units.ts";
import { tableBytesOf } from "./chunk-table.ts";
import {
  BLOCK_BYTES,
  CHUNK_EXTENTS_MAX,
  CHUNKS_MAX,
  FORMAT_MAJOR,
  FORMAT_MINOR,
  MANIFEST_BYTES_MAX,
  RECORD_HEADER_BYTES,
  TABLE_BYTES_MAX,
  TRAILER_BYTES_MAX,
} from "./limits.ts";

/** "\x89HUCK\r\n\x1a": not text, and damaged by any transfer that rewrites line ends. */
export const HEADER_MAGIC = 0x894855434b0d0a1an;
/** "HUCKEND\n". */
const FOOTER_MAGIC = 0x4855434b454e440an;
/** BLAKE3 with 32 bytes of output. */
const DIGEST_ID_BLAKE3 = 1;
const CHECKSUM_OFFSET = BLOCK_BYTES - 4;
/** Bytes of the file's own UUID. */
const UUID_BYTES = 16;

export interface ImageHeader {
  /** 16 random bytes; they name this file, not its content. */
  readonly uuid: Uint8Array;
  /** When writing began, in milliseconds since 1970 UTC. */
  readonly createdMs: number;
}

/** The place of a record, and the digest of its stored bytes. */
export interface RecordPlace {
  /** Offset of the record header in the file. */
  readonly offset: number;
  readonly storedBytes: number;
  /** BLAKE3 of the stored bytes. */
  readonly digest: Uint8Array;
}

export interface ImageFooter {
  /** As in the header. */
  readonly uuid: Uint8Array;
  /** Length of the whole file, footer included. Unit: bytes. */
  readonly fileBytes: number;
  readonly chunkCount: number;
  readonly table: RecordPlace;
  readonly manifest: RecordPlace;
  /** BLAKE3 of the content record. */
  readonly imageId: Uint8Array;
}

/** @returns 4096 fresh bytes. */
export function encodeHeader(header: ImageHeader): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  new ByteWriter(bytes)
    .u64be(HEADER_MAGIC)
    .u16be(FORMAT_MAJOR)
    .u16be(FORMAT_MINOR)
    .u32be(0)
    .bytes(header.uuid)
    .u64be(header.createdMs)
    .u8(Math.log2(SLOT_BYTES))
    .u8(DIGEST_ID_BLAKE3);
  return sealed(bytes);
}

/**
 * @param bytes - 4096 bytes.
 * @throws {@link FormatError} `not_an_image`, `bad_header`, `unknown_version`.
 */
export function decodeHeader(bytes: Uint8Array): ImageHeader {
  const reader = new ByteReader(bytes, "image header");
  if (reader.u64be() !== HEADER_MAGIC) {
    throw new FormatError(
      "not_an_image",
      "Cannot read image: its first bytes are not a huck header",
    );
  }
  checkSeal(bytes, "bad_header", "header");
  checkVersion(reader);
  const flags = reader.u32be();
  const uuid = new Uint8Array(reader.view(UUID_BYTES));
  const createdMs = reader.u64beAsNumber();
  const slotLog2 = reader.u8();
  const digestId = reader.u8();
  if (flags !== 0 || 2 ** slotLog2 !== SLOT_BYTES || digestId !== DIGEST_ID_BLAKE3) {
    throw new FormatError(
      "unknown_version",
      `Cannot read image: flags ${flags}, slot 2^${slotLog2}, digest ${digestId}; ` +
        `0, 2^20, 1 wanted`,
    );
  }
  return { uuid, createdMs };
}

/** @returns 4096 fresh bytes. */
export function encodeFooter(footer: ImageFooter): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const writer = new ByteWriter(bytes)
    .u64be(FOOTER_MAGIC)
    .u16be(FORMAT_MAJOR)
    .u16be(FORMAT_MINOR)
    .u32be(footer.chunkCount)
    .bytes(footer.uuid)
    .u64be(footer.fileBytes);
  for (const place of [footer.table, footer.manifest]) {
    writer.u64be(place.offset).u32be(place.storedBytes).u32be(0).bytes(place.digest);
  }
  writer.bytes(footer.imageId);
  return sealed(bytes);
}

/**
 * @param bytes - The last 4096 bytes of the file.
 * @param fileBytes - Length of the file; the footer must say the same.
 * @returns A footer whose places lie inside the file in their order, so that the tail of the file
 *   from the table on is bounded; no length is beyond its limit.
 * @throws {@link FormatError} `torn`, `bad_footer`, `unknown_version`.
 */
export function decodeFooter(bytes: Uint8Array, fileBytes: number): ImageFooter {
  const reader = new ByteReader(bytes, "image footer");
  if (reader.u64be() !== FOOTER_MAGIC) {
    throw new FormatError(
      "torn",
      "Cannot read image: no footer at its end, writing was interrupted",
    );
  }
  checkSeal(bytes, "bad_footer", "footer");
  checkVersion(reader);
  const chunkCount = reader.u32be();
  const uuid = new Uint8Array(reader.view(UUID_BYTES));
  const namedBytes = reader.u64beAsNumber();
  const table = readPlace(reader);
  const manifest = readPlace(reader);
  const imageId = new Uint8Array(reader.view(DIGEST_BYTES));
  const end = fileBytes - BLOCK_BYTES;
  const inside =
    table.offset >= BLOCK_BYTES &&
    manifest.offset >= endOfRecord(table) &&
    endOfRecord(manifest) <= end &&
    end - endOfRecord(manifest) <= TRAILER_BYTES_MAX;
  const tableMost = Math.min(
    TABLE_BYTES_MAX,
    tableBytesOf(chunkCount, chunkCount * CHUNK_EXTENTS_MAX),
  );
  const bounded =
    chunkCount <= CHUNKS_MAX &&
    table.storedBytes >= tableBytesOf(chunkCount, chunkCount) &&
    table.storedBytes <= tableMost &&
    manifest.storedBytes <= MANIFEST_BYTES_MAX;
  if (namedBytes !== fileBytes || !inside || !bounded) {
    throw new FormatError(
      "bad_footer",
      `Cannot read image: its footer describes ${namedBytes} bytes with ${chunkCount} chunks, a ` +
        `table of ${table.storedBytes} and a manifest of ${manifest.storedBytes} bytes, ` +
        `${fileBytes} bytes are there`,
    );
  }
  return { uuid, fileBytes, chunkCount, table, manifest, imageId };
}

/** Without its padding. */
function endOfRecord({ offset, storedBytes }: RecordPlace): number {
  return offset + RECORD_HEADER_BYTES + storedBytes;
}

function readPlace(reader: ByteReader): RecordPlace {
  const offset = reader.u64beAsNumber();
  const storedBytes = reader.u32be();
  const digest = new Uint8Array(reader.skip(4).view(DIGEST_BYTES));
  return { offset, storedBytes, digest };
}

function sealed(bytes: Uint8Array): Uint8Array {
  const checksum = crc32c(bytes.subarray(0, CHECKSUM_OFFSET));
  new ByteWriter(bytes, CHECKSUM_OFFSET).u32be(checksum);
  return bytes;
}

function checkSeal(bytes: Uint8Array, code: string, what: string): void {
  const stored = new ByteReader(bytes, `image ${what}`, CHECKSUM_OFFSET).u32be();
  const found = crc32c(bytes.subarray(0, CHECKSUM_OFFSET));
  if (stored === found) return;
  throw new FormatError(
    code,
    `Cannot read image: ${what} has checksum ${found.toString(16)}, ${stored.toString(16)} wanted`,
  );
}

function checkVersion(reader: ByteReader): void {
  const major = reader.u16be();
  reader.u16be();
  if (major === FORMAT_MAJOR) return;
  throw new FormatError(
    "unknown_version",
    `Cannot read image: format version ${major}, ${FORMAT_MAJOR} wanted`,
  );
}
