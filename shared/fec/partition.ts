/**
 * Cuts the symbols of a chunk into source blocks of nearly equal size (RFC 5052 section 9.1).
 *
 * With N blocks, the first I have one symbol more than the rest, so k of two blocks differs by at
 * most one and all blocks are equally well protected. A chunk of 1 MiB at 1408 bytes a symbol has
 * at most 745 symbols, hence at most four blocks of at most 192.
 */
import assert from "node:assert";

/** Most source symbols in a block: leaves 63 parity symbols of the 255 names. */
export const SOURCE_SYMBOLS_MAX = 192;
/** A datagram names its block in one byte, of which 255 counts blocks. */
const BLOCKS_MAX = 255;

/** How a chunk is cut. Symbols and blocks are numbered from 0. */
export interface BlockPartition {
  /** Source blocks of the chunk, 1 .. 255. */
  readonly blockCount: number;
  /** Source symbols of all blocks together. */
  readonly symbolCount: number;
  /** k of the blocks from `largeBlocks` on; the blocks before have one more. */
  readonly smallSymbols: number;
  /** Blocks that have `smallSymbols + 1` symbols; they come first. */
  readonly largeBlocks: number;
}

/**
 * Cuts a chunk into as few blocks as may be.
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
 * Tells k of a block.
 *
 * @param block - 0 .. `cut.blockCount` - 1.
 * @returns Source symbols of the block, 1 .. 192.
 */
export function blockSymbols(cut: BlockPartition, block: number): number {
  return block < cut.largeBlocks ? cut.smallSymbols + 1 : cut.smallSymbols;
}

/**
 * Tells where a block begins.
 *
 * @param block - 0 .. `cut.blockCount`; the last value gives the end of the chunk.
 * @returns Number, within the chunk, of the block's first source symbol.
 */
export function blockFirstSymbol(cut: BlockPartition, block: number): number {
  return block * cut.smallSymbols + Math.min(block, cut.largeBlocks);
}
