/**
 * From a chunk's record to bytes for the disk, with every digest checked on the way (promise P1).
 *
 * A record comes from a file, a session or a single HTTP answer. The chunk table, which was checked
 * against the image id, says what it must be. Nothing is decompressed before the stored digest
 * matched, and nothing is returned before the raw digest did.
 */
import { blake3, sameBytes } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import { EXTENT_UNIT_BYTES } from "../core/units.ts";
import type { DiskWrite } from "../disk/block-device.ts";
import type { ChunkEntry, ChunkTable } from "./chunk-table.ts";
import { Codec, type ChunkCodec } from "./chunk-codec.ts";
import { RECORD_HEADER_BYTES, RecordType } from "./limits.ts";
import type { ImageBytes } from "./reader.ts";
import { decodeRecordHeader } from "./record.ts";

/**
 * Reads the record of a chunk.
 *
 * @returns Record header and stored bytes, owned by the caller, not yet checked.
 * @throws {@link FormatError} `truncated`; a system error.
 */
export function readRecord(file: ImageBytes, table: ChunkTable, index: number): Uint8Array {
  const { offset, length } = table.recordRange(index);
  const record = new Uint8Array(length);
  file.read(offset, record);
  return record;
}

/**
 * Checks a record.
 *
 * @param record - Record header and stored bytes, nothing after them.
 * @param entry - The chunk's entry in the table.
 * @returns The stored bytes: a view of `record`, never a Buffer.
 * @throws {@link FormatError} `bad_record`, `wrong_record`, `bad_digest`, `truncated`.
 * @internal Tests open single records with it.
 */
export function openRecord(record: Uint8Array, entry: ContentFacts, index: number): Uint8Array {
  const header = decodeRecordHeader(record);
  const stored = plainView(record).subarray(RECORD_HEADER_BYTES);
  const expected =
    header.type === RecordType.chunk &&
    header.codec === entry.codec &&
    header.index === index &&
    header.storedBytes === entry.storedBytes &&
    header.rawBytes === entry.rawBytes &&
    stored.byteLength === entry.storedBytes &&
    sameBytes(header.digest, entry.storedDigest);
  if (!expected) {
    throw new FormatError(
      "wrong_record",
      `Cannot use chunk ${index}: record of type ${header.type} for chunk ${header.index} with ` +
        `${stored.byteLength} bytes, another one wanted`,
    );
  }
  if (sameBytes(blake3(stored), entry.storedDigest)) return stored;
  throw new FormatError("bad_digest", `Cannot use chunk ${index}: its stored bytes are damaged`);
}

/** What the chunk table says of a chunk's content. */
export type ContentFacts = Pick<
  ChunkEntry,
  "codec" | "storedBytes" | "rawBytes" | "storedDigest" | "rawDigest"
>;

/**
 * Decodes a chunk.
 *
 * @param codec - Of this thread.
 * @param index - Of the chunk.
 * @param facts - Its entry in the table.
 * @param record - Record header and stored bytes, nothing after them.
 * @returns Its raw bytes; valid until the codec is used again or `record` changes.
 * @throws {@link FormatError} as {@link openRecord}, and `bad_frame`.
 */
export function decodeChunk(
  codec: ChunkCodec,
  index: number,
  facts: ContentFacts,
  record: Uint8Array,
): Uint8Array {
  const stored = openRecord(record, facts, index);
  const raw = facts.codec === Codec.raw ? stored : codec.decompress(stored, facts.rawBytes);
  if (sameBytes(blake3(raw), facts.rawDigest)) return raw;
  throw new FormatError("bad_digest", `Cannot use chunk ${index}: its content is damaged`);
}

/** Decodes chunks, one at a time. Belongs to one thread, because its codec does. */
export class ChunkDecoder {
  readonly #codec: ChunkCodec;

  /** @param codec - Used by this decoder during its calls. */
  constructor(codec: ChunkCodec) {
    this.#codec = codec;
  }

  /** Decodes a chunk as {@link decodeChunk} does; the result is valid until the next call. */
  decode(table: ChunkTable, index: number, record: Uint8Array): Uint8Array {
    return decodeChunk(this.#codec, index, table.entry(index), record);
  }
}

/**
 * Assigns the bytes of a chunk to their places on the saved disk.
 *
 * @param raw - Its raw bytes; borrowed by the result.
 * @returns One write per extent, ascending.
 * @internal The demo and a test compare disks with it.
 */
export function writesOf(table: ChunkTable, index: number, raw: Uint8Array): DiskWrite[] {
  let at = 0;
  return table.extents(index).map(({ start, end }) => {
    const length = (end - start) * EXTENT_UNIT_BYTES;
    const bytes = raw.subarray(at, at + length);
    at += length;
    return { offset: start * EXTENT_UNIT_BYTES, bytes };
  });
}

/**
 * The `slice` of a Buffer shares memory, that of a Uint8Array copies; a record may be either, so
 * Buffers become Uint8Arrays.
 */
function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
