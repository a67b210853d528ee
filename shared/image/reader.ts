/**
 * Opens an image: finds footer, chunk table and manifest and proves that they belong together.
 *
 * The same code opens a file and the tail of one (from its chunk table to its end), which is what a
 * node fetches before a load. An index that was returned is true to its image id; chunks are
 * checked one by one as they are read.
 */
import { ByteReader } from "../core/bytes.ts";
import { blake3, sameBytes, toHex } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import { ChunkTable, readTableHead, TABLE_HEADER_BYTES } from "./chunk-table.ts";
import { imageIdOf } from "./content-record.ts";
import { decodeFooter, decodeHeader, type ImageFooter, type RecordPlace } from "./header.ts";
import { BLOCK_BYTES, RECORD_HEADER_BYTES, RecordType } from "./limits.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { decodeRecordHeader } from "./record.ts";
import type { ImageSummary } from "./store.ts";

/** Offset of the file length in a footer. Unit: bytes. */
const FOOTER_LENGTH_OFFSET = 32;

/** An image file that can be read anywhere. */
export interface ImageBytes {
  /** Its length. Unit: bytes. */
  readonly fileBytes: number;
  /**
   * Fills `into`.
   *
   * @param offset - Unit: bytes from the start of the file.
   * @param into - Filled completely.
   * @throws FormatError `truncated` beyond the end.
   */
  read(offset: number, into: Uint8Array): void;
}

/** All of an image but its chunks. */
export interface ImageIndex {
  /** BLAKE3 of the content record, 32 bytes. */
  readonly imageId: Uint8Array;
  readonly manifest: Manifest;
  readonly table: ChunkTable;
  readonly footer: ImageFooter;
}

/**
 * Opens an image file.
 *
 * @param file - The whole file.
 * @returns Its index.
 * @throws {@link FormatError} that says which part is damaged; `torn` when writing was interrupted.
 */
export function openImage(file: ImageBytes): ImageIndex {
  if (file.fileBytes < 2 * BLOCK_BYTES) {
    throw new FormatError("torn", `Cannot read image: it has only ${file.fileBytes} bytes`);
  }
  const header = decodeHeader(readRun(file, 0, BLOCK_BYTES));
  const index = openIndex(file);
  if (sameBytes(header.uuid, index.footer.uuid)) return index;
  throw new FormatError("bad_footer", "Cannot read image: header and footer are of two files");
}

/**
 * Opens the tail of an image: the file from its chunk table to its end.
 *
 * @param tail - Borrowed for ever: the index keeps views of it.
 * @returns The index.
 * @throws {@link FormatError} as {@link openImage}.
 */
export function openImageTail(tail: Uint8Array): ImageIndex {
  const footerStart = Math.max(0, tail.byteLength - BLOCK_BYTES);
  const reader = new ByteReader(tail, "image tail", footerStart);
  const fileBytes = reader.skip(FOOTER_LENGTH_OFFSET).u64beAsNumber();
  const start = fileBytes - tail.byteLength;
  return openIndex({
    fileBytes,
    read(offset, into) {
      const from = offset - start;
      const end = from + into.byteLength;
      if (start < 0 || from < 0 || end > tail.byteLength) {
        throw new FormatError("truncated", "Cannot read image tail: it begins behind its table");
      }
      into.set(tail.subarray(from, end));
    },
  });
}

/**
 * Tells of an image what a listing shows.
 *
 * @param name - Under which it is kept.
 * @param index - Opened.
 * @returns Its summary.
 */
export function summaryOf(name: string, index: ImageIndex): ImageSummary {
  const { manifest, footer } = index;
  return {
    name,
    id: toHex(index.imageId),
    fileBytes: footer.fileBytes,
    diskBytes: manifest.disk.sizeBytes,
    usedBytes: manifest.stats.rawBytes,
    createdAt: manifest.saved.at,
  };
}

function openIndex(file: ImageBytes): ImageIndex {
  const footerOffset = file.fileBytes - BLOCK_BYTES;
  const footer = decodeFooter(readRun(file, footerOffset, BLOCK_BYTES), file.fileBytes);
  const manifestBytes = readRecord(file, footer.manifest, RecordType.manifest, "manifest");
  const manifest = decodeManifest(manifestBytes);
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
