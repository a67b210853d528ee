/**
 * ADV: the sender repeats the largest deficits it has heard, so that other receivers need not send
 * theirs.
 *
 * It is only a hint: a receiver that misses it sends one needless NACK, nothing worse. Layout:
 * WIRE.md section 3.4.
 */
import type { ByteReader } from "../core/bytes.ts";
import { ByteWriter } from "../core/bytes.ts";
import { BLOCK_ENTRY_BYTES, readBlockList, writeBlockList } from "./block-list.ts";
import type { BlockEntry } from "./block-list.ts";
import { HEADER_BYTES, expectEnd, inRange, MessageType } from "./header.ts";
import type { OutgoingMessage } from "./message.ts";
import { TAG_BYTES } from "./tag.ts";

/** Length of an ADV without its entries. Unit: bytes. */
const ADV_FIXED_BYTES: number = HEADER_BYTES + 8 + TAG_BYTES;

export interface Adv {
  /** The SYNC that these answers belong to. */
  readonly syncNo: number;
  /** Largest deficit heard so far, per block. */
  readonly blocks: readonly BlockEntry[];
}

/**
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

function writeAdv(bytes: Uint8Array, offset: number, adv: Adv): void {
  const writer = new ByteWriter(bytes, offset + HEADER_BYTES);
  writer.u32be(adv.syncNo).u8(adv.blocks.length).zeros(3);
  writeBlockList(writer, adv.blocks);
}

export function advMessage(adv: Adv): OutgoingMessage {
  return {
    type: MessageType.adv,
    flags: 0,
    length: ADV_FIXED_BYTES + adv.blocks.length * BLOCK_ENTRY_BYTES,
    write: (bytes, offset) => {
      writeAdv(bytes, offset, adv);
    },
  };
}
