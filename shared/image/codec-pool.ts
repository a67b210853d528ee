/**
 * CodecPool: encodes several chunks in parallel for a capture, and decodes them for a restore.
 *
 * A chunk passes through a lane: reusable memory for its content and for its record. The capture
 * fills a lane with content, has it encoded, writes the record, and fills the lane again; a restore
 * goes the other way. The number of threads makes no difference to the bytes, or to their order.
 * The pool in this file uses the caller's thread only; the one in codec-pool.io.ts has workers.
 */
import { blake3 } from "../core/digest.ts";
import { type ChunkCodec, Codec } from "./chunk-codec.ts";
import { type ContentFacts, decodeChunk } from "./chunk-decoder.ts";
import { CHUNK_RAW_BYTES_MAX, RECORD_ALIGNMENT, RECORD_HEADER_BYTES } from "./limits.ts";

/**
 * A frame that saves less than 3 % is not worth the time of decoding it: the chunk is stored raw.
 */
const STORED_SHARE_MAX = 0.97;
/** Room for the header, the stored bytes (never more than the raw ones) and padding. */
const RECORD_ROOM_BYTES = RECORD_HEADER_BYTES + CHUNK_RAW_BYTES_MAX + RECORD_ALIGNMENT;
/** Two lanes, so that one chunk is encoded while the record of the previous one is written. */
const OWN_LANES = 2;

/** The memory of one chunk on its way into an image, or out of one. */
export interface CodecLane {
  /** Content of the chunk: 1 MiB. */
  readonly raw: Uint8Array;
  /** Room for its record: the stored bytes stand after the room for the header. */
  readonly record: Uint8Array;
}

/** An encoded chunk, whose record stands in its lane. */
export interface EncodedChunk {
  readonly codec: Codec;
  readonly rawBytes: number;
  readonly storedBytes: number;
  /** BLAKE3 of the raw bytes. */
  readonly rawDigest: Uint8Array;
  /** BLAKE3 of the stored bytes. */
  readonly storedDigest: Uint8Array;
}

export interface CodecPool {
  /** Name of the codec in use. */
  readonly name: ChunkCodec["name"];
  /**
   * As many chunks may be under way at once as there are lanes. Until `encode` or `decode` a lane
   * belongs to whoever fills it.
   */
  readonly lanes: readonly CodecLane[];
  /**
   * Encodes the chunk in a lane.
   *
   * @param lane - Index of the lane; nobody may touch the lane before the promise settles.
   * @param rawBytes - Length of the content.
   * @param level - zstd level, 1 .. 19.
   * @throws Whatever the codec throws, and an error if its thread has ended.
   */
  encode(lane: number, rawBytes: number, level: number): Promise<EncodedChunk>;
  /**
   * Decodes the chunk whose record stands in a lane, and compares all digests.
   *
   * @param lane - Index of the lane; nobody may touch the lane before the promise settles.
   * @param chunk - Number of the chunk.
   * @returns Its content, in the lane.
   * @throws FormatError as `decodeChunk`; an error if its thread has ended.
   */
  decode(lane: number, chunk: number, facts: ContentFacts): Promise<Uint8Array>;
  /** Ends its threads, whatever they are doing. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a pool that encodes in the calling thread.
 *
 * @param codec - Used by this pool during its calls.
 * @returns A pool that needs no `close`.
 */
export function inlinePool(codec: ChunkCodec): CodecPool {
  const lanes = lanesOf(new ArrayBuffer(laneBytes(OWN_LANES)));
  return {
    name: codec.name,
    lanes,
    encode: (lane, rawBytes, level) =>
      new Promise((resolve) => {
        resolve(encodeChunk(codec, laneAt(lanes, lane), rawBytes, level));
      }),
    decode: (lane, chunk, facts) =>
      new Promise((resolve) => {
        decodeInLane(codec, laneAt(lanes, lane), chunk, facts);
        resolve(contentOf(laneAt(lanes, lane), facts));
      }),
    close: () => Promise.resolve(),
  };
}

/**
 * Encodes one chunk in its lane.
 *
 * @param codec - Of the calling thread.
 * @param lane - Holds the content; the stored bytes are written into it.
 * @param rawBytes - Length of the content.
 * @param level - zstd level, 1 .. 19.
 */
export function encodeChunk(
  codec: ChunkCodec,
  lane: CodecLane,
  rawBytes: number,
  level: number,
): EncodedChunk {
  const raw = lane.raw.subarray(0, rawBytes);
  const frame = codec.compress(raw, level);
  const gains = frame.byteLength <= rawBytes * STORED_SHARE_MAX;
  const from = gains ? frame : raw;
  const storedBytes = from.byteLength;
  const stored = lane.record.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + storedBytes);
  stored.set(from);
  const digests = { rawDigest: blake3(raw), storedDigest: blake3(from) };
  return { codec: gains ? Codec.zstd : Codec.raw, rawBytes, storedBytes, ...digests };
}

/**
 * Decodes the chunk whose record stands in a lane: its content stands there, too, afterwards.
 *
 * @param codec - Of the calling thread.
 * @throws FormatError as `decodeChunk`.
 */
export function decodeInLane(
  codec: ChunkCodec,
  lane: CodecLane,
  chunk: number,
  facts: ContentFacts,
): void {
  const record = lane.record.subarray(0, RECORD_HEADER_BYTES + facts.storedBytes);
  lane.raw.set(decodeChunk(codec, chunk, facts, record));
}

/** @returns The content of the chunk that was decoded in a lane; a view of the lane. */
export function contentOf(lane: CodecLane, { rawBytes }: ContentFacts): Uint8Array {
  return lane.raw.subarray(0, rawBytes);
}

/** @returns The memory that lanes need. Unit: bytes. */
export function laneBytes(lanes: number): number {
  return lanes * (CHUNK_RAW_BYTES_MAX + RECORD_ROOM_BYTES);
}

/**
 * Lays out lanes in memory, in the same way in every thread.
 *
 * @param memory - A whole number of lanes.
 */
export function lanesOf(memory: ArrayBufferLike): CodecLane[] {
  return Array.from({ length: memory.byteLength / laneBytes(1) }, (_, lane) => ({
    raw: new Uint8Array(memory, laneBytes(lane), CHUNK_RAW_BYTES_MAX),
    record: new Uint8Array(memory, laneBytes(lane) + CHUNK_RAW_BYTES_MAX, RECORD_ROOM_BYTES),
  }));
}

/** @throws RangeError if there is no such lane. */
export function laneAt(lanes: readonly CodecLane[], lane: number): CodecLane {
  const found = lanes[lane];
  if (found === undefined) throw new RangeError(`no lane ${lane} of ${lanes.length}`);
  return found;
}
