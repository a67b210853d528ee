/**
 * Cuts the symbols of a chunk into source blocks of nearly equal size (RFC 5052 section 9.1).
 *
 * The first blocks have one symbol more than the rest, so the k of two blocks differ by at most
 * one, and all blocks are equally well protected. A chunk of 1 MiB at 1408 bytes per symbol has at
 * most 745 symbols, hence at most four blocks of at most 192.
 */
import assert from "node:assert";

/** Most source symbols in a block: 63 of the 255 names are left for parity symbols. */
export const SOURCE_SYMBOLS_MAX = 192;
/** A datagram names its block in one byte; 255 blocks are numbered 0 .. 254. */
const BLOCKS_MAX = 255;

/** How a chunk is cut. Symbols and blocks are numbered from 0. */
export interface BlockPartition {
  /** Source blocks of the chunk, 1 .. 255. */
  readonly blockCount: number;
  /** Source symbols of all blocks together. */
  readonly symbolCount: number;
  /** k of the blocks from `largeBlocks` on; the blocks before them have one more symbol. */
  readonly smallSymbols: number;
  /** Number of blocks with `smallSymbols + 1` symbols; they come first. */
  readonly largeBlocks: number;
}

/**
 * Cuts a chunk into as few blocks as possible.
 *
 * @param symbolCount - Source symbols of the chunk, 1 .. 255 * `blockSymbolsMax`.
 * @param blockSymbolsMax - Most source symbols in a block, 1 .. 192.
 * @returns Blocks of nearly equal size.
 */
export function partition(symbolCount: number, blockSymbolsMax: number): BlockPartition {
  assert(Number.isInteger(blockSymbolsMax));
  assert(blockSymbolsMax >= 1 && blockSymbolsMax <= SOURCE_SYMBOLS_MAX);
  assert(Number.isInteger(symbolCount) && symbolCount >= 1);
  const blockCount = Math.ceil(symbolCount / blockSymbolsMax);
  assert(blockCount <= BLOCKS_MAX, `${blockCount} blocks, a chunk has at most ${BLOCKS_MAX}`);
  const smallSymbols = Math.floor(symbolCount / blockCount);
  const largeBlocks = symbolCount - smallSymbols * blockCount;
  return { blockCount, symbolCount, smallSymbols, largeBlocks };
}

/**
 * @param block - 0 .. `cut.blockCount` - 1.
 * @returns k of the block, 1 .. 192.
 */
export function blockSymbols(cut: BlockPartition, block: number): number {
  return block < cut.largeBlocks ? cut.smallSymbols + 1 : cut.smallSymbols;
}

/**
 * @param block - 0 .. `cut.blockCount`; the last value gives the end of the chunk.
 * @returns Number, within the chunk, of the block's first source symbol.
 */
export function blockFirstSymbol(cut: BlockPartition, block: number): number {
  return block * cut.smallSymbols + Math.min(block, cut.largeBlocks);
}
