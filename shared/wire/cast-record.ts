/**
 * The record of `huck cast`: one piece of a byte stream, with its digest.
 *
 * A cast has no manifest, so each record carries its own digest and its place in the stream; the
 * last record ends the stream. The session pads a record with zeros to whole symbols, and its
 * length tells where the padding starts. The digest covers everything after it. Layout: WIRE.md
 * section 6.
 *
 *     offset  0      4       36     40         44     45     48
 *             magic  digest  chunk  rawLength  flags  zeros  data     big-endian
 */
import { blake3, DIGEST_BYTES, sameBytes } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import { SLOT_BYTES } from "../core/units.ts";

/** Bytes before the data. */
export const CAST_HEADER_BYTES = 48;
/**
 * Length of the data of every record but the last: the data of chunk c begins at c times this in
 * the stream. Unit: bytes.
 */
export const CAST_DATA_BYTES: number = SLOT_BYTES;
/** Longest record. Unit: bytes. */
export const CAST_RECORD_BYTES_MAX: number = CAST_HEADER_BYTES + CAST_DATA_BYTES;
/** "HuCa" in ASCII. */
const MAGIC = 0x48754361;
const FLAG_LAST = 1;
const DIGEST_OFFSET = 4;
const CHUNK_OFFSET = DIGEST_OFFSET + DIGEST_BYTES;
const LENGTH_OFFSET = 40;
const FLAGS_OFFSET = 44;

/** A record whose digest matched. */
export interface CastRecord {
  /** Its place in the stream, counted in records. */
  readonly chunk: number;
  /** Data bytes, 0 .. 2^20; all 2^20 unless it is the last. */
  readonly rawLength: number;
  /** True if the stream ends with this record. */
  readonly last: boolean;
  /** The data: a view into the bytes that were read. */
  readonly data: Uint8Array;
}

/**
 * Writes header and digest in front of data that is already in place.
 *
 * @param record - The record's bytes, with at least `rawLength` bytes of data from
 *   {@link CAST_HEADER_BYTES} on.
 * @param chunk - Its place in the stream, 0 .. 2^24-1.
 * @param rawLength - Data bytes, 0 .. 2^20.
 * @param last - True if the stream ends with it.
 * @returns Length of the record. Unit: bytes.
 */
export function sealCastRecord(
  record: Uint8Array,
  chunk: number,
  rawLength: number,
  last: boolean,
): number {
  const view = viewOf(record);
  const length = CAST_HEADER_BYTES + rawLength;
  view.setUint32(0, MAGIC);
  view.setUint32(CHUNK_OFFSET, chunk);
  view.setUint32(LENGTH_OFFSET, rawLength);
  view.setUint32(FLAGS_OFFSET, (last ? FLAG_LAST : 0) << 24);
  record.set(blake3(record.subarray(CHUNK_OFFSET, length)), DIGEST_OFFSET);
  return length;
}

/**
 * Reads a record and checks its digest and that it is the one expected.
 *
 * @param bytes - The record, perhaps followed by the zeros that fill up its last symbol. Borrowed.
 * @param chunk - The place under which it was received.
 * @returns The record; its data is a view.
 * @throws {@link FormatError} `truncated`, `bad_magic`, `field_range`, `bad_digest`, `wrong_chunk`:
 *   the chunk is still lacking.
 */
export function readCastRecord(bytes: Uint8Array, chunk: number): CastRecord {
  if (bytes.byteLength < CAST_HEADER_BYTES) {
    throw unreadable("truncated", `${bytes.byteLength} bytes, ${CAST_HEADER_BYTES} wanted`);
  }
  const view = viewOf(bytes);
  if (view.getUint32(0) !== MAGIC) {
    throw unreadable("bad_magic", `it begins with ${view.getUint32(0)}, ${MAGIC} wanted`);
  }
  const rawLength = view.getUint32(LENGTH_OFFSET);
  const flags = view.getUint32(FLAGS_OFFSET);
  const last = flags === FLAG_LAST << 24;
  if ((!last && flags !== 0) || rawLength > CAST_DATA_BYTES) {
    throw unreadable("field_range", `flags ${flags} and length ${rawLength} do not exist`);
  }
  if (!last && rawLength !== CAST_DATA_BYTES) {
    throw unreadable(
      "field_range",
      `length ${rawLength}, ${CAST_DATA_BYTES} wanted before the end`,
    );
  }
  const length = CAST_HEADER_BYTES + rawLength;
  if (bytes.byteLength < length) {
    throw unreadable("truncated", `${bytes.byteLength} bytes, ${length} wanted`);
  }
  const digest = blake3(bytes.subarray(CHUNK_OFFSET, length));
  if (!sameBytes(digest, bytes.subarray(DIGEST_OFFSET, CHUNK_OFFSET))) {
    throw unreadable("bad_digest", "the digest of its data is another one");
  }
  const found = view.getUint32(CHUNK_OFFSET);
  if (found !== chunk) throw unreadable("wrong_chunk", `it is chunk ${found}, ${chunk} wanted`);
  return { chunk, rawLength, last, data: bytes.subarray(CAST_HEADER_BYTES, length) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unreadable(code: string, found: string): FormatError {
  return new FormatError(code, `Cannot read cast record: ${found}`);
}
