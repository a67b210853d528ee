/**
 * The list of blocks that SYNC, ADV and NACK end with: who, and one number about it.
 *
 *     n times  u32 chunk, u8 block, u8 value      value: parity issued (SYNC), deficit (ADV, NACK)
 *
 * Layout: WIRE.md section 3.2.
 */
import type { ByteReader, ByteWriter } from "../core/bytes.ts";
import { inRange } from "./header.ts";

/**
 * Entries in one message at most.
 *
 * @internal A test looks at it.
 */
export const BLOCK_LIST_MAX = 200;
/** Bytes of one entry. */
export const BLOCK_ENTRY_BYTES = 6;
/** A deficit that means: nothing of this block is here. */
export const WHOLE_BLOCK = 255;

/** One entry. */
export interface BlockEntry {
  readonly chunk: number;
  readonly block: number;
  /** Parity symbols issued so far (SYNC) or symbols lacking (ADV, NACK); 255: all. */
  readonly value: number;
}

/**
 * Reads entries.
 *
 * @param reader - At the first entry.
 * @param count - How many the message says it has.
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
 * Writes entries.
 *
 * @param writer - At the place of the first entry.
 * @param entries - At most {@link BLOCK_LIST_MAX}.
 */
export function writeBlockList(writer: ByteWriter, entries: readonly BlockEntry[]): void {
  for (const { chunk, block, value } of entries) writer.u32be(chunk).u8(block).u8(value);
}

/**
 * Tells how many entries fit.
 *
 * @param bytesMax - Longest message of the session. Unit: bytes.
 * @param fixedBytes - Bytes of the message without entries, tag included.
 * @returns 0 .. {@link BLOCK_LIST_MAX}.
 */
export function blockListRoom(bytesMax: number, fixedBytes: number): number {
  return Math.min(BLOCK_LIST_MAX, Math.floor((bytesMax - fixedBytes) / BLOCK_ENTRY_BYTES));
}
