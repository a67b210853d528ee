/**
 * SYNC: the sender's question "who lacks symbols of these blocks?", and its clock.
 *
 * A receiver that lacks symbols answers only when a SYNC asks, and its answer names the SYNC. So
 * the sender knows which symbols had been sent at the time that the answer describes. Layout:
 * WIRE.md section 3.3.
 */
import type { ByteReader } from "../core/bytes.ts";
import { ByteWriter } from "../core/bytes.ts";
import { BLOCK_ENTRY_BYTES, readBlockList, writeBlockList } from "./block-list.ts";
import type { BlockEntry } from "./block-list.ts";
import { HEADER_BYTES, expectEnd, inRange, MessageType } from "./header.ts";
import type { OutgoingMessage } from "./message.ts";
import { TAG_BYTES } from "./tag.ts";

/** Length of a SYNC without its entries. Unit: bytes. */
export const SYNC_FIXED_BYTES: number = HEADER_BYTES + 32 + TAG_BYTES;
/** `chunkCount` of a session whose number of chunks is not known yet. */
export const COUNT_UNKNOWN = 0xffffffff;
/** Most chunks of a session. */
export const SESSION_CHUNKS_MAX: number = 2 ** 24;

export interface Sync {
  /** Counts SYNCs from 1, modulo 2^32. */
  readonly syncNo: number;
  /** Sender's clock. Unit: microseconds, arbitrary origin. */
  readonly tUs: bigint;
  /** Current rate. Unit: KiB/s on the wire. */
  readonly rateKiBs: number;
  /** Mean loss that the members report, times 65536, at most 65535. */
  readonly lossQ16: number;
  /** Time over which answers are spread. Unit: quarter milliseconds. */
  readonly backoffQuarterMs: number;
  /** Logarithm to base 2 of the number of members, rounded up. */
  readonly log2Members: number;
  /** Largest round trip, queues included. Unit: milliseconds. */
  readonly grttMs: number;
  /** 1 = the first pass, 2 and more = the carousel; does not count beyond 255. */
  readonly pass: number;
  /**
   * The sender's position. First pass: all chunks below it are completely sent. Carousel: the chunk
   * it is at.
   */
  readonly frontier: number;
  /** Chunks of the session, 0 .. 2^24, or {@link COUNT_UNKNOWN}. */
  readonly chunkCount: number;
  /** Blocks asked about; `value` is the number of parity symbols issued so far, at most 255. */
  readonly blocks: readonly BlockEntry[];
}

/**
 * @param reader - From `bodyReader`.
 * @throws {@link FormatError} `truncated`, `trailing_bytes`, `field_range`: count and drop.
 */
export function readSync(reader: ByteReader): Sync {
  const syncNo = reader.u32be();
  const tUs = reader.u64be();
  const rateKiBs = reader.u32be();
  const lossQ16 = reader.u16be();
  const backoffQuarterMs = reader.u8();
  const log2Members = inRange(reader.u8(), [0, 32], "log2 of members");
  const grttMs = reader.u16be();
  const pass = inRange(reader.u8(), [1, 255], "pass");
  const count = reader.u8();
  const frontier = inRange(reader.u32be(), [0, SESSION_CHUNKS_MAX], "frontier");
  const chunkCount = readChunkCount(reader);
  const blocks = readBlockList(reader, count);
  expectEnd(reader);
  const numbers = { syncNo, tUs, rateKiBs, lossQ16, backoffQuarterMs, log2Members, grttMs };
  return { ...numbers, pass, frontier, chunkCount, blocks };
}

function writeSync(bytes: Uint8Array, offset: number, sync: Sync): void {
  const writer = new ByteWriter(bytes, offset + HEADER_BYTES);
  writer.u32be(sync.syncNo).u64be(sync.tUs).u32be(sync.rateKiBs).u16be(sync.lossQ16);
  writer.u8(sync.backoffQuarterMs).u8(sync.log2Members).u16be(sync.grttMs).u8(sync.pass);
  writer.u8(sync.blocks.length).u32be(sync.frontier).u32be(sync.chunkCount);
  writeBlockList(writer, sync.blocks);
}

/**
 * @param reader - At the field.
 * @returns 0 .. 2^24, or {@link COUNT_UNKNOWN}.
 * @throws {@link FormatError} `truncated`, `field_range`.
 */
export function readChunkCount(reader: ByteReader): number {
  const count = reader.u32be();
  if (count === COUNT_UNKNOWN) return count;
  return inRange(count, [0, SESSION_CHUNKS_MAX], "number of chunks");
}

/** @param flags - `Flag.echo`, `Flag.report` or both. */
export function syncMessage(sync: Sync, flags: number): OutgoingMessage {
  return {
    type: MessageType.sync,
    flags,
    length: SYNC_FIXED_BYTES + sync.blocks.length * BLOCK_ENTRY_BYTES,
    write: (bytes, offset) => {
      writeSync(bytes, offset, sync);
    },
  };
}
