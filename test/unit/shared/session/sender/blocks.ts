/** A cache with real chunks for the tests of whatever works on blocks. */
import assert from "node:assert";
import { ChunkCache } from "../../../../../shared/session/sender/chunk-cache.ts";
import type { Block, CachedChunk } from "../../../../../shared/session/sender/cached-chunk.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";

export const SYMBOL_BYTES = 32;

/** A cache of so many lanes for records of at most 300 symbols. */
export function cacheOf(lanes: number): { readonly cache: ChunkCache; readonly bytes: Uint8Array } {
  const laneBytes = 12_288;
  const bytes = new Uint8Array(lanes * laneBytes);
  const cache = new ChunkCache({
    bytes,
    offset: 0,
    cacheBytes: bytes.length,
    symbolBytes: SYMBOL_BYTES,
    recordBytesMax: 300 * SYMBOL_BYTES,
    random: seededRandom(1),
  });
  return { cache, bytes };
}

/** Puts a chunk of so many symbols into the cache, unpinned. */
export function load(cache: ChunkCache, chunk: number, symbols: number): CachedChunk {
  const entry = cache.reserve(chunk);
  assert(entry !== undefined, "cache is full");
  cache.loaded(entry, symbols * SYMBOL_BYTES);
  return entry;
}

/** Its only block. */
export function blockOf(entry: CachedChunk): Block {
  const [block] = entry.blocks;
  assert(block !== undefined, "chunk has no block");
  return block;
}
