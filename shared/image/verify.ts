/**
 * Checks every byte of an image file: `huck image verify`.
 *
 * Opening an image proves its index. Here all records are read in file order, and each is decoded
 * and compared, and the image is placed on a disk of the saved size, as a restore would. Bytes that
 * no digest covers (padding) must be zero, so that every flipped byte is
 * found. The check goes on after damage, because the operator wants to know all of it, named by
 * partition and place on the disk.
 */
import { blake3, sameBytes } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import { EXTENT_UNIT_BYTES } from "../core/units.ts";
import { ChunkDecoder, readRecord } from "./chunk-decoder.ts";
import type { ChunkCodec } from "./chunk-codec.ts";
import type { RecordPlace } from "./header.ts";
import { BLOCK_BYTES, RECORD_HEADER_BYTES } from "./limits.ts";
import type { ImageBytes, ImageIndex } from "./reader.ts";
import { placeImage } from "./place-image.ts";
import { decodeRecordHeader, paddingAfter } from "./record.ts";

/** At most this many problems are listed; all are counted. */
const PROBLEMS_MAX = 1000;
/** Readers may skip unknown record types from here up. */
const SKIPPABLE_TYPE_MIN = 0x80;
/** Skipped records are digested in pieces of this size. Unit: bytes. */
const SKIPPED_BYTES_MAX = 16 << 20;

/** A damaged place. */
export interface ImageProblem {
  /** The problem, as part of a sentence. */
  readonly message: string;
  /** The damaged chunk; undefined for bytes between records. */
  readonly chunk?: number;
  /** Its partition; 0 outside partitions. */
  readonly partition?: number;
  /** Offsets of the first byte and of the end (one past the last byte) on the disk. */
  readonly diskBytes?: readonly [number, number];
}

/** The result of a check. */
export interface ImageCheck {
  readonly chunks: number;
  /** At most {@link PROBLEMS_MAX}. */
  readonly problems: readonly ImageProblem[];
  /** All problems, listed or not. */
  readonly problemCount: number;
}

/**
 * Checks all chunks and all bytes between them.
 *
 * @param index - Opened from this file.
 * @param visit - Called after every chunk with the number of content bytes so far, and awaited:
 *   there the check can be broken off.
 * @throws A system error if the file cannot be read.
 */
export async function checkImage(
  file: ImageBytes,
  index: ImageIndex,
  codec: ChunkCodec,
  visit: (rawBytes: number) => void | Promise<void>,
): Promise<ImageCheck> {
  const { table, footer } = index;
  const decoder = new ChunkDecoder(codec);
  const problems: ImageProblem[] = [];
  let problemCount = 0;
  const note = (problem: ImageProblem): void => {
    problemCount += 1;
    if (problems.length < PROBLEMS_MAX) problems.push(problem);
  };
  noteFault(note, {}, () => {
    placeImage(index, index.manifest.disk); // an image that contradicts itself goes to no disk
  });
  let at = BLOCK_BYTES;
  let rawBytes = 0;
  for (let chunk = 0; chunk < table.count; chunk += 1) {
    const { offset, length } = table.recordRange(chunk);
    noteFault(note, {}, () => {
      checkBetween(file, at, offset);
    });
    const entry = table.entry(chunk);
    const place = { chunk, partition: entry.partition, diskBytes: diskBytesOf(index, chunk) };
    noteFault(note, place, () => {
      decoder.decode(table, chunk, readRecord(file, table, chunk));
    });
    at = offset + length;
    rawBytes += entry.rawBytes;
    await visit(rawBytes);
  }
  for (const place of [footer.table, footer.manifest] satisfies RecordPlace[]) {
    noteFault(note, {}, () => {
      checkBetween(file, at, place.offset);
    });
    at = place.offset + RECORD_HEADER_BYTES + place.storedBytes;
  }
  noteFault(note, {}, () => {
    checkBetween(file, at, file.fileBytes - BLOCK_BYTES);
  });
  return { chunks: table.count, problems, problemCount };
}

/**
 * The stretch of disk that a chunk covers.
 *
 * @returns Offsets of the first byte and of the end (one past the last byte).
 * @internal Exported for a test.
 */
export function diskBytesOf(index: ImageIndex, chunk: number): readonly [number, number] {
  const extents = index.table.extents(chunk);
  const start = extents[0]?.start ?? 0;
  const end = extents.at(-1)?.end ?? start;
  return [start * EXTENT_UNIT_BYTES, end * EXTENT_UNIT_BYTES];
}

function noteFault(
  note: (problem: ImageProblem) => void,
  place: Omit<ImageProblem, "message">,
  work: () => void,
): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note({ message: error.message, ...place });
  }
}

/**
 * Checks the bytes between two known records: padding, then skippable records with their own
 * padding. `at` is the end of a record without its padding.
 *
 * @throws {@link FormatError} `bad_record`, `bad_padding`.
 */
function checkBetween(file: ImageBytes, at: number, end: number): void {
  let place = checkPadding(file, at, end);
  while (place < end) {
    const header = decodeRecordHeader(readRun(file, place, RECORD_HEADER_BYTES));
    const stored = readRun(file, place + RECORD_HEADER_BYTES, header.storedBytes);
    const known = header.type >= SKIPPABLE_TYPE_MIN;
    if (!known || !sameBytes(blake3(stored), header.digest)) {
      throw new FormatError("bad_record", `Cannot read record of type ${header.type} at ${place}`);
    }
    place = checkPadding(file, place + RECORD_HEADER_BYTES + header.storedBytes, end);
  }
  if (place !== end) throw new FormatError("bad_record", `Cannot read bytes ${end} to ${place}`);
}

function checkPadding(file: ImageBytes, at: number, end: number): number {
  const length = paddingAfter(at);
  if (at + length > end || readRun(file, at, length).some((byte) => byte !== 0)) {
    throw new FormatError("bad_padding", `Cannot read image: bytes from ${at} on are not zero`);
  }
  return at + length;
}

function readRun(file: ImageBytes, offset: number, length: number): Uint8Array {
  if (length > SKIPPED_BYTES_MAX || offset + length > file.fileBytes) {
    throw new FormatError("bad_record", `Cannot read ${length} bytes at ${offset} of the image`);
  }
  const bytes = new Uint8Array(length);
  file.read(offset, bytes);
  return bytes;
}
