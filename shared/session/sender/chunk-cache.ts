/**
 * Chunks in memory: a bounded number of records in the arena, with what was sent of each.
 *
 * A chunk may be repaired only from its bytes, so recently sent chunks stay; the one given up is
 * the one unused for longest, first among those that nobody can still complain about. What is asked
 * for later is read again. Each slot has room for a few parity symbols per block behind the record.
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

/**
 * Parity symbols of a block that are made at a time: the kernel makes four in one pass over the
 * source.
 */
export const PARITY_GROUP = 4;
/** Fewer slots than this hold no interleave. */
const SLOTS_MIN = 4;
const PAGE_BYTES = 4096;

/** One source block of a cached chunk, and how far its sending has come. */
export interface Block {
  readonly chunk: CachedChunk;
  readonly index: number;
  readonly k: number;
  /** Arena offset of its first source symbol. */
  readonly offset: number;
  /** Arena offset of its parity places. */
  readonly parityOffset: number;
  /**
   * Name of the next fresh symbol once the source was sent: k .. 254, then 0 .. k-1, and around.
   */
  next: number;
  /** Parity symbols (or repeats) sent in all, at most 255 as told to receivers. */
  issued: number;
  /** First name and number of the parity symbols that lie ready. */
  readyFrom: number;
  readyCount: number;
  /** Symbols to send because somebody lacks them. */
  owed: number;
  /** Source symbols to send again from the start, before fresh ones. */
  resend: number;
  /** Repair symbols sent, by the SYNC that was the latest then; newest last, few. */
  readonly sentAfter: { readonly sync: number; count: number }[];
  /**
   * Number of the latest SYNC when the pass finished the block: older answers are about less than
   * all of it.
   */
  finishedSync: number;
  /** True once all that a pass sends of it is sent. */
  finished: boolean;
  /** How often a SYNC asked about it since its last symbol. */
  asked: number;
}

/** A chunk in a slot. */
export interface CachedChunk {
  readonly chunk: number;
  readonly slot: number;
  /** Source symbols; 0 while it is being read. */
  symbols: number;
  blocks: readonly Block[];
  /** Counts up with every use: the smallest is the one unused for longest. */
  usedAt: number;
  /** In the interleave, being read, or with symbols owed: must stay. */
  pins: number;
}

/** What a cache is made of. */
export interface CacheShape {
  /** The arena. */
  readonly bytes: Uint8Array;
  /** Offset of the cache in the arena. */
  readonly offset: number;
  readonly cacheBytes: number;
  readonly symbolBytes: number;
  readonly recordBytesMax: number;
  /** Chance: where the parity names of a chunk that is read again begin. */
  readonly random: Random;
}

/** The cache. */
export class ChunkCache {
  /** Slots in all. */
  readonly count: number;
  readonly #shape: CacheShape;
  readonly #symbolsMax: number;
  readonly #slotBytes: number;
  readonly #chunks = new Map<number, CachedChunk>();
  readonly #free: number[] = [];
  /** Chunks that were in the cache before: their parity names start anywhere, not at k again. */
  readonly #seen = new Set<number>();
  #uses = 0;

  constructor(shape: CacheShape) {
    this.#shape = shape;
    this.#symbolsMax = Math.ceil(shape.recordBytesMax / shape.symbolBytes);
    const blocksMax = Math.ceil(this.#symbolsMax / SOURCE_SYMBOLS_MAX);
    const places = this.#symbolsMax + blocksMax * PARITY_GROUP;
    this.#slotBytes = Math.ceil((places * shape.symbolBytes) / PAGE_BYTES) * PAGE_BYTES;
    this.count = Math.floor(shape.cacheBytes / this.#slotBytes);
    assert(
      this.count >= SLOTS_MIN,
      `cache of ${shape.cacheBytes} bytes holds ${this.count} chunks`,
    );
    for (let slot = this.count - 1; slot >= 0; slot -= 1) this.#free.push(slot);
  }

  /** @returns Longest record a slot holds. Unit: bytes. */
  get capacity(): number {
    return this.#symbolsMax * this.#shape.symbolBytes;
  }

  /** @returns It, when in the cache; `symbols` is 0 while it is being read. */
  get(chunk: number): CachedChunk | undefined {
    return this.#chunks.get(chunk);
  }

  /**
   * Reserves a slot for a chunk to be read into; it is pinned until {@link loaded}.
   *
   * @param chunk - One that is not in the cache.
   * @returns Its entry, or undefined when nothing can be given up now.
   */
  reserve(chunk: number): CachedChunk | undefined {
    assert(!this.#chunks.has(chunk), `chunk ${chunk} is in the cache`);
    const slot = this.#free.pop() ?? this.#evict();
    if (slot === undefined) return undefined;
    this.#uses += 1;
    const entry: CachedChunk = { chunk, slot, symbols: 0, blocks: [], usedAt: this.#uses, pins: 1 };
    this.#chunks.set(chunk, entry);
    return entry;
  }

  /** @returns Arena offset of its record. */
  offsetOf(entry: CachedChunk): number {
    return this.#shape.offset + entry.slot * this.#slotBytes;
  }

  /**
   * A record has been read: cuts it into blocks, fills its last symbol with zeros.
   *
   * @param entry - From {@link reserve}; its pin passes to the caller.
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
      blocks.push({
        chunk: entry,
        index,
        k,
        offset: offset + blockFirstSymbol(cut, index) * symbolBytes,
        parityOffset: parity + index * PARITY_GROUP * symbolBytes,
        next: again ? k + this.#shape.random.below(SYMBOL_IDS - k) : k,
        issued: 0,
        readyFrom: 0,
        readyCount: 0,
        owed: 0,
        resend: 0,
        sentAfter: [],
        finishedSync: 0,
        finished: true,
        asked: 0,
      });
    }
    entry.symbols = symbols;
    entry.blocks = blocks;
    this.touch(entry);
  }

  touch(entry: CachedChunk): void {
    this.#uses += 1;
    entry.usedAt = this.#uses;
  }

  /**
   * Takes a chunk out whose read brought nothing.
   *
   * @param entry - From {@link reserve}.
   */
  discard(entry: CachedChunk): void {
    this.#chunks.delete(entry.chunk);
    this.#free.push(entry.slot);
  }

  #evict(): number | undefined {
    let best: CachedChunk | undefined;
    for (const entry of this.#chunks.values()) {
      if (entry.pins === 0 && (best === undefined || entry.usedAt < best.usedAt)) best = entry;
    }
    if (best === undefined) return undefined;
    this.#chunks.delete(best.chunk);
    return best.slot;
  }
}
