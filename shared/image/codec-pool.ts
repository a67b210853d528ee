/**
 * CodecPool: digests and compresses several chunks beside each other, for a capture.
 *
 * A chunk travels in a lane: memory for its content and for its record, used over and over. Whoever
 * captures fills a lane, has it encoded, writes the record, and fills it again; how many threads
 * encode changes nothing about the bytes. The pool here is one thread, the caller's own;
 * codec-pool.io.ts has one with workers.
 */
import { blake3 } from "../core/digest.ts";
import { type ChunkCodec, Codec } from "./chunk-codec.ts";
import { CHUNK_RAW_BYTES_MAX, RECORD_ALIGNMENT, RECORD_HEADER_BYTES } from "./limits.ts";

/** A frame that saves less than 3 % is not worth a decoder's time: the chunk is stored raw. */
const STORED_SHARE_MAX = 0.97;
/** Header, stored bytes (never more than raw ones) and padding. */
const RECORD_ROOM_BYTES = RECORD_HEADER_BYTES + CHUNK_RAW_BYTES_MAX + RECORD_ALIGNMENT;
/** Two, so that one chunk is encoded while the record of the one before is written. */
const OWN_LANES = 2;

/** Memory of one chunk on its way into an image. */
export interface EncodeLane {
  /** Content of the chunk: 1 MiB. */
  readonly raw: Uint8Array;
  /** Room for its record: the stored bytes stand behind the room of the header. */
  readonly record: Uint8Array;
}

/** A chunk that stands in the record of its lane. */
export interface EncodedChunk {
  readonly codec: Codec;
  readonly rawBytes: number;
  readonly storedBytes: number;
  /** BLAKE3 of the raw bytes. */
  readonly rawDigest: Uint8Array;
  /** BLAKE3 of the stored bytes. */
  readonly storedDigest: Uint8Array;
}

/** Encodes chunks. */
export interface CodecPool {
  /** Which codec encodes. */
  readonly name: ChunkCodec["name"];
  /** So many chunks may be under way at once. Content belongs to who fills it until `encode`. */
  readonly lanes: readonly EncodeLane[];
  /**
   * Encodes what stands in a lane.
   *
   * @param lane - Its position; nobody touches the lane before the promise settles.
   * @param rawBytes - Length of the content.
   * @param level - zstd level, 1 .. 19.
   * @throws Whatever the codec throws, and an error when its thread has ended.
   */
  encode(lane: number, rawBytes: number, level: number): Promise<EncodedChunk>;
  /** Ends its threads, whatever they do. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a pool of the calling thread alone.
 *
 * @param codec - Used by this pool while it encodes.
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
    close: () => Promise.resolve(),
  };
}

/**
 * Encodes one chunk in its lane.
 *
 * @param codec - Of the calling thread.
 * @param lane - Holds the content; takes the stored bytes.
 * @param rawBytes - Length of the content.
 * @param level - zstd level, 1 .. 19.
 */
export function encodeChunk(
  codec: ChunkCodec,
  lane: EncodeLane,
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
 * Gives the memory that lanes need.
 *
 * @returns Unit: bytes.
 */
export function laneBytes(lanes: number): number {
  return lanes * (CHUNK_RAW_BYTES_MAX + RECORD_ROOM_BYTES);
}

/**
 * Lays lanes out in memory, the same way in every thread that has it.
 *
 * @param memory - A whole number of lanes.
 */
export function lanesOf(memory: ArrayBufferLike): EncodeLane[] {
  return Array.from({ length: memory.byteLength / laneBytes(1) }, (_, lane) => ({
    raw: new Uint8Array(memory, laneBytes(lane), CHUNK_RAW_BYTES_MAX),
    record: new Uint8Array(memory, laneBytes(lane) + CHUNK_RAW_BYTES_MAX, RECORD_ROOM_BYTES),
  }));
}

/**
 * Gives one lane.
 *
 * @throws An error of ours when there is none.
 */
export function laneAt(lanes: readonly EncodeLane[], lane: number): EncodeLane {
  const found = lanes[lane];
  if (found === undefined) throw new RangeError(`no lane ${lane} of ${lanes.length}`);
  return found;
}
