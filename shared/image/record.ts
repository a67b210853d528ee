/**
 * Records: everything between header and footer, FORMAT.md section 3.
 *
 * A record is a header of 56 bytes and its stored bytes. A session sends exactly the record of a
 * chunk, so a receiver checks a chunk from multicast with the same code that checks a file.
 */
import { ByteReader, ByteWriter } from "../core/bytes.ts";
import { blake3, crc32c, DIGEST_BYTES } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import { RECORD_ALIGNMENT, RECORD_HEADER_BYTES } from "./limits.ts";

/** "HUCR". */
const RECORD_MAGIC = 0x48554352;
const CHECKSUM_OFFSET = RECORD_HEADER_BYTES - 4;

export interface RecordHeader {
  /** One of RecordType, or an unknown number. */
  readonly type: number;
  /** One of Codec. */
  readonly codec: number;
  /** Chunk index; 0 for other records. */
  readonly index: number;
  /** Length of the stored bytes that follow the header. */
  readonly storedBytes: number;
  /** Length after decoding. */
  readonly rawBytes: number;
  /** BLAKE3 of the stored bytes. */
  readonly digest: Uint8Array;
}

/** @param into - At least 56 bytes; the first 56 are written. */
export function encodeRecordHeader(header: RecordHeader, into: Uint8Array): void {
  new ByteWriter(into)
    .u32be(RECORD_MAGIC)
    .u8(header.type)
    .u8(header.codec)
    .u16be(0)
    .u32be(header.index)
    .u32be(header.storedBytes)
    .u32be(header.rawBytes)
    .bytes(header.digest)
    .u32be(0);
  const checksum = crc32c(into.subarray(0, CHECKSUM_OFFSET));
  new ByteWriter(into, CHECKSUM_OFFSET).u32be(checksum);
}

/**
 * @param bytes - At least 56 bytes.
 * @returns The header; `digest` is borrowed from `bytes`.
 * @throws {@link FormatError} `bad_record`, `truncated`.
 */
export function decodeRecordHeader(bytes: Uint8Array): RecordHeader {
  const reader = new ByteReader(bytes, "record header");
  const magic = reader.u32be();
  const type = reader.u8();
  const codec = reader.u8();
  const reserved = reader.u16be();
  const index = reader.u32be();
  const storedBytes = reader.u32be();
  const rawBytes = reader.u32be();
  const digest = reader.view(DIGEST_BYTES);
  const checksum = reader.u32be();
  const found = crc32c(bytes.subarray(0, CHECKSUM_OFFSET));
  if (magic !== RECORD_MAGIC || reserved !== 0 || checksum !== found) {
    throw new FormatError(
      "bad_record",
      `Cannot read record: magic ${magic.toString(16)}, checksum ${found.toString(16)}; ` +
        `${RECORD_MAGIC.toString(16)}, ${checksum.toString(16)} wanted`,
    );
  }
  return { type, codec, index, storedBytes, rawBytes, digest };
}

/**
 * Makes the record header for stored bytes.
 *
 * @param fields - Type, codec, index and raw length.
 * @param stored - The stored bytes; digested here.
 */
export function recordHeaderOf(
  fields: Pick<RecordHeader, "type" | "codec" | "index" | "rawBytes">,
  stored: Uint8Array,
): RecordHeader {
  return { ...fields, storedBytes: stored.byteLength, digest: blake3(stored) };
}

/**
 * The number of zero bytes that follow a record, so that the next one is aligned.
 *
 * @returns 0 .. 7.
 */
export function paddingAfter(storedBytes: number): number {
  return -storedBytes & (RECORD_ALIGNMENT - 1);
}
