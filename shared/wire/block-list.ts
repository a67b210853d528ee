/**
 * The list of blocks at the end of SYNC, ADV and NACK: names of blocks, with one number for each.
 *
 *     n times  u32 chunk, u8 block, u8 value      value: parity issued (SYNC), deficit (ADV, NACK)
 *
 * Layout: WIRE.md section 3.2.
 */
import type { ByteReader, ByteWriter } from "../core/bytes.ts";
import { inRange } from "./header.ts";

/**
 * Most entries in one message.
 *
 * @internal Exported for a test.
 */
export const BLOCK_LIST_MAX = 200;
/** Bytes of one entry. */
export const BLOCK_ENTRY_BYTES = 6;
/** The deficit of a block of which nothing is here. */
export const WHOLE_BLOCK = 255;

export interface BlockEntry {
  readonly chunk: number;
  readonly block: number;
  /** Parity symbols issued so far (SYNC) or symbols lacking (ADV, NACK); 255: all. */
  readonly value: number;
}

/**
 * @param reader - At the first entry.
 * @param count - As the message says.
 * @throws {@link FormatError} `truncated`, `field_range`.
 */
export function readBlockList(reader: ByteReader, count: number): BlockEntry[] {
  inRange(count, [0, BLOCK_LIST_MAX], "number of blocks");
  const entries: BlockEntry[] = [];
  for (let index = 0; index < count; index += 1) {
    entries.push({ chunk: reader.u32be(), block: reader.u8(), value: reader.u8() });
  }
  return entries;
}

/**
 * @param writer - At the place of the first entry.
 * @param entries - At most {@link BLOCK_LIST_MAX}.
 */
export function writeBlockList(writer: ByteWriter, entries: readonly BlockEntry[]): void {
  for (const { chunk, block, value } of entries) writer.u32be(chunk).u8(block).u8(value);
}

/**
 * Computes how many entries fit.
 *
 * @param bytesMax - Longest message of the session. Unit: bytes.
 * @param fixedBytes - Length of the message without entries, tag included.
 * @returns 0 .. {@link BLOCK_LIST_MAX}.
 */
export function blockListRoom(bytesMax: number, fixedBytes: number): number {
  return Math.min(BLOCK_LIST_MAX, Math.floor((bytesMax - fixedBytes) / BLOCK_ENTRY_BYTES));
}
