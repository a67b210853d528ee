/**
 * NACK: a receiver's answer to a SYNC: its telemetry, and how many symbols each block lacks.
 *
 * A deficit is a count, not a list of names, because any fresh symbol serves every receiver. A NACK
 * without entries is an echo: it measures the round trip and carries telemetry. Layout: WIRE.md
 * section 3.5.
 */
import type { ByteReader } from "../core/bytes.ts";
import { ByteWriter } from "../core/bytes.ts";
import { BLOCK_ENTRY_BYTES, readBlockList, writeBlockList } from "./block-list.ts";
import type { BlockEntry } from "./block-list.ts";
import { HEADER_BYTES, expectEnd, inRange, MessageType } from "./header.ts";
import type { OutgoingMessage } from "./message.ts";
import { TAG_BYTES } from "./tag.ts";

/** Length of a NACK without its entries. Unit: bytes. */
export const NACK_FIXED_BYTES: number = HEADER_BYTES + 28 + TAG_BYTES;

export interface Nack {
  readonly node: number;
  /** The SYNC it answers. */
  readonly syncNo: number;
  /** Low 32 bits of that SYNC's clock. Unit: microseconds. */
  readonly tUsEcho: number;
  /** Time from that SYNC's arrival to this message. Unit: 0.1 ms; 65535 = that or more. */
  readonly hold100us: number;
  /** Share of the sender's datagrams that the network lost, times 65536, at most 65535. */
  readonly netLossQ16: number;
  /** How fast it decompresses and writes. Unit: KiB of stored bytes per second; 0 = not known. */
  readonly drainKiBs: number;
  /** Fill of the ring, 0 .. 100. */
  readonly ringPercent: number;
  /** Datagrams that its kernel dropped since the start, modulo 65536. */
  readonly kernelDrops: number;
  /** Rate of arrival. Unit: KiB per second of datagrams, headers included; 0 = not known. */
  readonly receivedKiBs: number;
  /** Blocks that lack symbols; `value` is the deficit, 255 = nothing of the block is here. */
  readonly blocks: readonly BlockEntry[];
}

/**
 * @param reader - From `bodyReader`.
 * @throws {@link FormatError} `truncated`, `trailing_bytes`, `field_range`: count and drop.
 */
export function readNack(reader: ByteReader): Nack {
  const node = reader.u32be();
  const syncNo = reader.u32be();
  const tUsEcho = reader.u32be();
  const hold100us = reader.u16be();
  const netLossQ16 = reader.u16be();
  const drainKiBs = reader.u32be();
  const ringPercent = inRange(reader.u8(), [0, 100], "fill of the ring");
  const count = reader.u8();
  const kernelDrops = reader.u16be();
  const receivedKiBs = reader.u32be();
  const blocks = readBlockList(reader, count);
  expectEnd(reader);
  const state = { netLossQ16, drainKiBs, ringPercent, kernelDrops, receivedKiBs };
  return { node, syncNo, tUsEcho, hold100us, ...state, blocks };
}

function writeNack(bytes: Uint8Array, offset: number, nack: Nack): void {
  const writer = new ByteWriter(bytes, offset + HEADER_BYTES);
  writer.u32be(nack.node).u32be(nack.syncNo).u32be(nack.tUsEcho).u16be(nack.hold100us);
  writer.u16be(nack.netLossQ16).u32be(nack.drainKiBs).u8(nack.ringPercent);
  writer.u8(nack.blocks.length).u16be(nack.kernelDrops).u32be(nack.receivedKiBs);
  writeBlockList(writer, nack.blocks);
}

export function nackMessage(nack: Nack): OutgoingMessage {
  return {
    type: MessageType.nack,
    flags: 0,
    length: NACK_FIXED_BYTES + nack.blocks.length * BLOCK_ENTRY_BYTES,
    write: (bytes, offset) => {
      writeNack(bytes, offset, nack);
    },
  };
}
