/**
 * Opens an image: finds footer, chunk table and manifest and proves that they belong together.
 *
 * The same code opens a file and the tail of one (from its chunk table to its end), which a node
 * fetches before a load. An index that was returned is proven against the image id; chunks are
 * checked one by one when they are read.
 */
import { ByteReader } from "../core/bytes.ts";
import { blake3, sameBytes, toHex } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import { ChunkTable, readTableHead, TABLE_HEADER_BYTES } from "./chunk-table.ts";
import { imageIdOf } from "./content-record.ts";
import {
  decodeFooter,
  decodeHeader,
  encodeFooter,
  type ImageFooter,
  type RecordPlace,
} from "./header.ts";
import { BLOCK_BYTES, RECORD_HEADER_BYTES, RecordType } from "./limits.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { decodeRecordHeader } from "./record.ts";

/** Offset of the file length in a footer. Unit: bytes. */
const FOOTER_LENGTH_OFFSET = 32;

/** An image file that can be read at any offset. */
export interface ImageBytes {
  /** Its length. Unit: bytes. */
  readonly fileBytes: number;
  /**
   * Fills `into`.
   *
   * @param offset - Unit: bytes from the start of the file.
   * @throws FormatError `truncated` beyond the end.
   */
  read(offset: number, into: Uint8Array): void;
}

/** What can be read of an image without its table. */
export interface ImageOutline {
  readonly footer: ImageFooter;
  readonly manifest: Manifest;
}

/** Everything of an image except its chunks. */
export interface ImageIndex extends ImageOutline {
  /** BLAKE3 of the content record, 32 bytes. */
  readonly imageId: Uint8Array;
  readonly table: ChunkTable;
}

/**
 * @throws {@link FormatError} that says which part is damaged; `torn` if the writing was
 *   interrupted.
 */
export function openImage(file: ImageBytes): ImageIndex {
  return openIndex(file, readEnds(file));
}

/**
 * Opens an image without its table: footer and manifest.
 *
 * @throws {@link FormatError} as {@link openImage}.
 */
export function openOutline(file: ImageBytes): ImageOutline {
  const footer = readEnds(file);
  return { footer, manifest: readManifest(file, footer) };
}

function readEnds(file: ImageBytes): ImageFooter {
  checkLength(file.fileBytes);
  const header = readRun(file, 0, BLOCK_BYTES);
  const end = readRun(file, file.fileBytes - BLOCK_BYTES, BLOCK_BYTES);
  return readFooter(header, end, file.fileBytes);
}

/**
 * Reads the two ends of an image file.
 *
 * @param header - Its first 4096 bytes.
 * @param end - Its last 4096 bytes.
 * @throws {@link FormatError} that says which end is damaged; `torn` if the writing was
 *   interrupted.
 */
export function readFooter(header: Uint8Array, end: Uint8Array, fileBytes: number): ImageFooter {
  checkLength(fileBytes);
  const { uuid } = decodeHeader(header);
  const footer = decodeFooter(end, fileBytes);
  if (sameBytes(uuid, footer.uuid)) return footer;
  throw new FormatError("bad_footer", "Cannot read image: header and footer are of two files");
}

/**
 * @param file - The file, or the part of it that holds the manifest.
 * @returns The manifest; its digest is the one in the footer.
 * @throws {@link FormatError} `bad_digest`, `bad_manifest`, `unknown_feature`, `truncated`.
 */
export function readManifest(file: ImageBytes, footer: ImageFooter): Manifest {
  return decodeManifest(readRecord(file, footer.manifest, RecordType.manifest, "manifest"));
}

/**
 * Opens the tail of an image: the file from its chunk table to its end.
 *
 * @param tail - Borrowed for ever: the index keeps views of it.
 * @throws {@link FormatError} as {@link openImage}.
 */
export function openImageTail(tail: Uint8Array): ImageIndex {
  const footerStart = Math.max(0, tail.byteLength - BLOCK_BYTES);
  const reader = new ByteReader(tail, "image tail", footerStart);
  const fileBytes = reader.skip(FOOTER_LENGTH_OFFSET).u64beAsNumber();
  const footer = decodeFooter(tail.subarray(footerStart), fileBytes);
  return openIndex(partOfImage(tail, fileBytes - tail.byteLength, fileBytes), footer);
}

/**
 * Makes a part of an image file, held in memory, readable like the file.
 *
 * @param part - Borrowed.
 * @param start - Its place in the file; if it is negative, every read fails. Unit: bytes.
 * @param fileBytes - Length of the whole file.
 * @returns The file, of which only this part can be read.
 */
export function partOfImage(part: Uint8Array, start: number, fileBytes: number): ImageBytes {
  return {
    fileBytes,
    read(offset, into) {
      const from = offset - start;
      const end = from + into.byteLength;
      if (start < 0 || from < 0 || end > part.byteLength) {
        throw new FormatError("truncated", "Cannot read image: a part of it is missing");
      }
      into.set(part.subarray(from, end));
    },
  };
}

function openIndex(file: ImageBytes, footer: ImageFooter): ImageIndex {
  const manifest = readManifest(file, footer);
  const tableStart = footer.table.offset + RECORD_HEADER_BYTES;
  readTableHead(readRun(file, tableStart, TABLE_HEADER_BYTES), footer.table.storedBytes);
  const tableBytes = readRecord(file, footer.table, RecordType.table, "chunk table");
  const table = new ChunkTable(tableBytes, manifest.disk.sizeBytes);
  checkTogether(manifest, table, footer);
  const imageId = imageIdOf(manifest, table);
  if (sameBytes(imageId, footer.imageId)) return { imageId, manifest, table, footer };
  throw new FormatError(
    "wrong_id",
    `Cannot read image: its content has id ${toHex(imageId)}, ${toHex(footer.imageId)} wanted`,
  );
}

/** @throws {@link FormatError} `torn`. */
function checkLength(fileBytes: number): void {
  if (fileBytes >= 2 * BLOCK_BYTES) return;
  throw new FormatError("torn", `Cannot read image: it has only ${fileBytes} bytes`);
}

function checkTogether(manifest: Manifest, table: ChunkTable, footer: ImageFooter): void {
  const numbers = new Set([0, ...manifest.partitions.map(({ number }) => number)]);
  let rawBytes = 0;
  for (let index = 0; index < table.count; index += 1) {
    const entry = table.entry(index);
    rawBytes += entry.rawBytes;
    if (!numbers.has(entry.partition)) throw apart(`chunk ${index} is of no partition`);
  }
  const last = table.count === 0 ? undefined : table.recordRange(table.count - 1);
  if (last !== undefined && last.offset + last.length > footer.table.offset) {
    throw apart("chunks stand behind their table");
  }
  const { chunks } = manifest.stats;
  if (footer.chunkCount !== table.count || chunks !== table.count) {
    throw apart(`table, footer and manifest count ${table.count}, ${footer.chunkCount}, ${chunks}`);
  }
  if (manifest.stats.rawBytes !== rawBytes) throw apart(`its chunks hold ${rawBytes} bytes`);
}

/** Compares the record header before it reads the rest, because a footer may claim 2 GiB. */
function readRecord(
  file: ImageBytes,
  place: RecordPlace,
  type: RecordType,
  what: string,
): Uint8Array {
  const header = decodeRecordHeader(readRun(file, place.offset, RECORD_HEADER_BYTES));
  const expected =
    header.type === type &&
    header.codec === 0 &&
    header.index === 0 &&
    header.storedBytes === place.storedBytes &&
    header.rawBytes === place.storedBytes &&
    sameBytes(header.digest, place.digest);
  if (expected) {
    const stored = readRun(file, place.offset + RECORD_HEADER_BYTES, place.storedBytes);
    if (sameBytes(place.digest, blake3(stored))) return stored;
  }
  throw new FormatError("bad_digest", `Cannot read image: its ${what} is damaged`);
}

function readRun(file: ImageBytes, offset: number, length: number): Uint8Array {
  if (offset < 0 || offset + length > file.fileBytes) {
    throw new FormatError("truncated", `Cannot read image: ${length} bytes at ${offset} wanted`);
  }
  const bytes = new Uint8Array(length);
  file.read(offset, bytes);
  return bytes;
}

function apart(found: string): FormatError {
  return new FormatError("bad_index", `Cannot read image: its parts contradict: ${found}`);
}

/**
 * The identity of an image file by what it says of itself: its footer binds UUID, length, chunk
 * table and manifest. Files with equal identity have every record at the same place.
 *
 * @returns 32 hexadecimal digits.
 */
export function imageFileIdentity({ footer }: Pick<ImageIndex, "footer">): string {
  return toHex(blake3(encodeFooter(footer))).slice(0, IDENTITY_DIGITS);
}

const IDENTITY_DIGITS = 32;
