/**
 * Chunks in memory: a bounded number of records in the arena.
 *
 * The sender can repair a chunk only from its bytes, so recently sent chunks stay in the cache. To
 * make room it gives up the least recently used chunk, preferring those that nobody can still send
 * a NACK for. A chunk that is needed again later is read again. Each lane has room for a few parity
 * symbols per block behind the record.
 */
import assert from "node:assert";
import {
  SOURCE_SYMBOLS_MAX,
  blockFirstSymbol,
  blockSymbols,
  partition,
} from "../../fec/partition.ts";
import type { Random } from "../../core/random.ts";
import { SYMBOL_IDS } from "../../fec/scheme.ts";
import { Block, CachedChunk } from "./cached-chunk.ts";

/**
 * Parity symbols of a block are made this many at a time: the kernel makes four in one pass over
 * the source symbols.
 */
export const PARITY_GROUP = 4;
/** With fewer lanes chunks cannot be interleaved. */
const LANES_MIN = 4;
const PAGE_BYTES = 4096;

/** Region and sizes of a cache. */
export interface CacheShape {
  /** The arena. */
  readonly bytes: Uint8Array;
  /** Offset of the cache in the arena. */
  readonly offset: number;
  readonly cacheBytes: number;
  readonly symbolBytes: number;
  readonly recordBytesMax: number;
  /** Chooses the first parity number of a chunk that is read again. */
  readonly random: Random;
}

export class ChunkCache {
  /** Lanes in all. */
  readonly count: number;
  readonly #shape: CacheShape;
  readonly #symbolsMax: number;
  readonly #laneBytes: number;
  readonly #chunks = new Map<number, CachedChunk>();
  readonly #free: number[] = [];
  /** Chunks that were in the cache before: their parity numbers start at random, not at k again. */
  readonly #seen = new Set<number>();
  #uses = 0;

  constructor(shape: CacheShape) {
    this.#shape = shape;
    this.#symbolsMax = Math.ceil(shape.recordBytesMax / shape.symbolBytes);
    const blocksMax = Math.ceil(this.#symbolsMax / SOURCE_SYMBOLS_MAX);
    const places = this.#symbolsMax + blocksMax * PARITY_GROUP;
    this.#laneBytes = Math.ceil((places * shape.symbolBytes) / PAGE_BYTES) * PAGE_BYTES;
    this.count = Math.floor(shape.cacheBytes / this.#laneBytes);
    assert(
      this.count >= LANES_MIN,
      `cache of ${shape.cacheBytes} bytes holds ${this.count} chunks`,
    );
    for (let lane = this.count - 1; lane >= 0; lane -= 1) this.#free.push(lane);
  }

  /** @returns Longest record that fits into a lane. Unit: bytes. */
  get capacity(): number {
    return this.#symbolsMax * this.#shape.symbolBytes;
  }

  /** @returns The chunk's entry if it is in the cache; `symbols` is 0 while it is being read. */
  get(chunk: number): CachedChunk | undefined {
    return this.#chunks.get(chunk);
  }

  /**
   * Reserves a lane to read a chunk into; the entry stays at least until {@link loaded}.
   *
   * @param chunk - One that is not in the cache.
   * @returns Its entry, or undefined if no lane can be freed now.
   */
  reserve(chunk: number): CachedChunk | undefined {
    assert(!this.#chunks.has(chunk), `chunk ${chunk} is in the cache`);
    const lane = this.#free.pop() ?? this.#evict();
    if (lane === undefined) return undefined;
    this.#uses += 1;
    const entry = new CachedChunk(chunk, lane, this.#uses);
    this.#chunks.set(chunk, entry);
    return entry;
  }

  /** @returns Arena offset of its record. */
  offsetOf(entry: CachedChunk): number {
    return this.#shape.offset + entry.lane * this.#laneBytes;
  }

  /**
   * Notes that a record has been read: cuts it into blocks and pads its last symbol with zeros.
   *
   * @param entry - From {@link reserve}; unless it is pinned, the next reserve may give it up.
   * @param length - Of the record, 1 .. capacity. Unit: bytes.
   */
  loaded(entry: CachedChunk, length: number): void {
    const { bytes, symbolBytes } = this.#shape;
    assert(length >= 1 && length <= this.capacity, `record of ${length} bytes`);
    const offset = this.offsetOf(entry);
    const symbols = Math.ceil(length / symbolBytes);
    bytes.fill(0, offset + length, offset + symbols * symbolBytes);
    const cut = partition(symbols, SOURCE_SYMBOLS_MAX);
    const parity = offset + this.capacity;
    const again = this.#seen.has(entry.chunk);
    this.#seen.add(entry.chunk);
    const blocks: Block[] = [];
    for (let index = 0; index < cut.blockCount; index += 1) {
      const k = blockSymbols(cut, index);
      const place = {
        chunk: entry,
        index,
        k,
        offset: offset + blockFirstSymbol(cut, index) * symbolBytes,
        parityOffset: parity + index * PARITY_GROUP * symbolBytes,
        firstFresh: again ? k + this.#shape.random.below(SYMBOL_IDS - k) : k,
      };
      blocks.push(new Block(place));
    }
    entry.fill(symbols, blocks);
    this.touch(entry);
  }

  touch(entry: CachedChunk): void {
    this.#uses += 1;
    entry.use(this.#uses);
  }

  /**
   * Removes a chunk whose read gave no bytes.
   *
   * @param entry - From {@link reserve}.
   */
  discard(entry: CachedChunk): void {
    this.#chunks.delete(entry.chunk);
    this.#free.push(entry.lane);
  }

  #evict(): number | undefined {
    let best: CachedChunk | undefined;
    for (const entry of this.#chunks.values()) {
      if (!entry.pinned && (best === undefined || entry.usedAt < best.usedAt)) best = entry;
    }
    if (best === undefined) return undefined;
    this.#chunks.delete(best.chunk);
    return best.lane;
  }
}
