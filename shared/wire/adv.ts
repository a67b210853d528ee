/**
 * ADV: the sender repeats the largest deficits it has heard, so that others need not speak.
 *
 * A hint only: whoever misses it sends a NACK too many, nothing else. Layout: WIRE.md section 3.4.
 */
import type { ByteReader } from "../core/bytes.ts";
import { ByteWriter } from "../core/bytes.ts";
import { readBlockList, writeBlockList } from "./block-list.ts";
import type { BlockEntry } from "./block-list.ts";
import { HEADER_BYTES, expectEnd, inRange } from "./header.ts";
import { TAG_BYTES } from "./tag.ts";

/** Bytes of an ADV without its entries. */
export const ADV_FIXED_BYTES: number = HEADER_BYTES + 8 + TAG_BYTES;

/** The message. */
export interface Adv {
  /** The SYNC whose answers these are. */
  readonly syncNo: number;
  /** Largest deficit heard so far, by block. */
  readonly blocks: readonly BlockEntry[];
}

/**
 * Reads the body.
 *
 * @param reader - From `bodyReader`.
 * @throws {@link FormatError} `truncated`, `trailing_bytes`, `field_range`: count and drop.
 */
export function readAdv(reader: ByteReader): Adv {
  const syncNo = reader.u32be();
  const count = reader.u8();
  for (let index = 0; index < 3; index += 1) inRange(reader.u8(), [0, 0], "reserved byte");
  const blocks = readBlockList(reader, count);
  expectEnd(reader);
  return { syncNo, blocks };
}

/**
 * Writes the body.
 *
 * @param offset - Of the datagram; the header is not touched.
 * @returns Length of the datagram with tag, which is not written.
 */
export function writeAdv(bytes: Uint8Array, offset: number, adv: Adv): number {
  const writer = new ByteWriter(bytes, offset + HEADER_BYTES);
  writer.u32be(adv.syncNo).u8(adv.blocks.length).zeros(3);
  writeBlockList(writer, adv.blocks);
  return writer.offset - offset + TAG_BYTES;
}
