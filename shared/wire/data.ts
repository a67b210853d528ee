/**
 * DATA: one encoding symbol of one block of one chunk.
 *
 * Everything else follows from the name of the symbol and the number of symbols of its chunk: how
 * the chunk is cut into blocks (RFC 5052 section 9.1), k of this block, and the symbol's place.
 * Layout: WIRE.md section 3.1.
 *
 *     offset  16     20     21      22                  24       24 + T
 *             chunk  block  symbol  symbols of chunk    payload  tag
 */
import { TAG_BYTES } from "./tag.ts";

/** Bytes before the payload. */
export const DATA_HEADER_BYTES = 24;
/** Length of a DATA datagram without its payload. Unit: bytes. */
export const DATA_OVERHEAD_BYTES: number = DATA_HEADER_BYTES + TAG_BYTES;
/** Most source symbols of a chunk: 255 blocks of 192. */
const CHUNK_SYMBOLS_MAX = 48_960;
/** Highest name of a symbol: 255 is kept to mean "all". */
const SYMBOL_MAX = 254;

/** Name of a symbol. One object is reused for every datagram. */
export interface SymbolName {
  chunk: number;
  block: number;
  /** 0 .. k-1 source, k .. 254 parity. */
  symbol: number;
  /** Source symbols of the whole chunk, 1 .. 48960. */
  chunkSymbols: number;
}

/**
 * Reads the name of the symbol that a DATA datagram carries.
 *
 * @param offset - Of a datagram of type DATA that holds a header.
 * @param into - Filled in.
 * @returns False if a field is out of its range: count and drop. The caller checks whether chunk
 *   and block exist in this session.
 */
export function readSymbolName(view: DataView, offset: number, into: SymbolName): boolean {
  into.chunk = view.getUint32(offset + 16);
  into.block = view.getUint8(offset + 20);
  into.symbol = view.getUint8(offset + 21);
  into.chunkSymbols = view.getUint16(offset + 22);
  const symbols = into.chunkSymbols;
  return into.symbol <= SYMBOL_MAX && symbols >= 1 && symbols <= CHUNK_SYMBOLS_MAX;
}

/**
 * Writes the name of a symbol after the header; the payload goes to `offset + DATA_HEADER_BYTES`.
 *
 * @param offset - Of the datagram.
 */
export function writeSymbolName(view: DataView, offset: number, name: SymbolName): void {
  view.setUint32(offset + 16, name.chunk);
  view.setUint8(offset + 20, name.block);
  view.setUint8(offset + 21, name.symbol);
  view.setUint16(offset + 22, name.chunkSymbols);
}
