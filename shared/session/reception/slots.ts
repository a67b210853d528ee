/**
 * The ring: chunks that are being put together, each in one slot of the arena.
 *
 * A slot has exactly one place per source symbol. A parity symbol stands in the place of a source
 * symbol that is not here. If that source symbol still arrives, the parity symbol moves to another
 * empty place (there is one as long as the block lacks anything). So a slot is never larger than
 * its record, and a block is ready for repair when all its places are taken. Nothing is allocated
 * per datagram. Which chunks are wanted is known in chunks.ts, which are asked for in nack.ts.
 */
import assert from "node:assert";
import {
  SOURCE_SYMBOLS_MAX,
  blockFirstSymbol,
  blockSymbols,
  partition,
} from "../../fec/partition.ts";
import type { BlockPartition } from "../../fec/partition.ts";
import { SLOTS_MAX } from "./chunks.ts";

/** Result of `put`. */
export const PutResult = {
  /** The symbol was here already, or its block is complete. */
  surplus: 0,
  /** Kept; the block lacks more. */
  kept: 1,
  /** Kept; now all source symbols of the block are here. */
  blockComplete: 2,
  /** Kept; now the block has k symbols, parity among them: it can be repaired. */
  blockRepairable: 3,
} as const;
/** One of the {@link PutResult} values. */
export type PutResult = (typeof PutResult)[keyof typeof PutResult];

const FILLING = 0;
const REPAIRING = 1;
const COMPLETE = 2;
/** Marks an empty place: no symbol has this name. */
const EMPTY = 255;
const SEEN_WORDS = 8;
const PAGE_BYTES = 4096;

/** How the ring is cut. */
export interface SlotShape {
  /** The arena. */
  readonly bytes: Uint8Array;
  /** Offset of the ring in the arena. */
  readonly offset: number;
  /** Length of the ring. Unit: bytes. */
  readonly ringBytes: number;
  readonly symbolBytes: number;
  readonly recordBytesMax: number;
}

export class SlotTable {
  /** Number of slots. */
  readonly count: number;
  /** Most source symbols of a chunk. */
  readonly symbolsMax: number;
  readonly #shape: SlotShape;
  readonly #slotBytes: number;
  readonly #blocksMax: number;
  readonly #chunks: Int32Array;
  readonly #cuts: (BlockPartition | undefined)[];
  readonly #blocksDone: Uint8Array;
  readonly #busy: Uint8Array;
  readonly #touchedAt: Float64Array;
  readonly #have: Uint8Array;
  readonly #states: Uint8Array;
  readonly #parity: Uint8Array;
  readonly #blockTouchedAt: Float64Array;
  readonly #asked: Uint8Array;
  readonly #places: Uint8Array;
  readonly #seen: Uint32Array;
  readonly #free: number[] = [];

  constructor(shape: SlotShape) {
    this.#shape = shape;
    this.symbolsMax = Math.ceil(shape.recordBytesMax / shape.symbolBytes);
    this.#slotBytes = Math.ceil((this.symbolsMax * shape.symbolBytes) / PAGE_BYTES) * PAGE_BYTES;
    this.#blocksMax = Math.ceil(this.symbolsMax / SOURCE_SYMBOLS_MAX);
    this.count = Math.min(Math.floor(shape.ringBytes / this.#slotBytes), SLOTS_MAX);
    const blocks = this.count * this.#blocksMax;
    this.#chunks = new Int32Array(this.count).fill(-1);
    this.#cuts = new Array<BlockPartition | undefined>(this.count).fill(undefined);
    this.#blocksDone = new Uint8Array(this.count);
    this.#busy = new Uint8Array(this.count);
    this.#touchedAt = new Float64Array(this.count);
    this.#have = new Uint8Array(blocks);
    this.#states = new Uint8Array(blocks);
    this.#parity = new Uint8Array(blocks);
    this.#asked = new Uint8Array(blocks);
    this.#blockTouchedAt = new Float64Array(blocks);
    this.#places = new Uint8Array(this.count * this.symbolsMax);
    this.#seen = new Uint32Array(blocks * SEEN_WORDS);
    for (let slot = this.count - 1; slot >= 0; slot -= 1) this.#free.push(slot);
  }

  /** @returns Number of slots that hold no chunk. */
  get freeCount(): number {
    return this.#free.length;
  }

  /**
   * Takes a free slot for a chunk.
   *
   * @param chunkSymbols - Its source symbols, 1 .. symbolsMax.
   * @returns The slot, or -1 when none is free.
   */
  take(chunk: number, chunkSymbols: number, now: number): number {
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    assert(chunkSymbols >= 1 && chunkSymbols <= this.symbolsMax, `${chunkSymbols} symbols`);
    const cut = partition(chunkSymbols, SOURCE_SYMBOLS_MAX);
    this.#chunks[slot] = chunk;
    this.#cuts[slot] = cut;
    this.#blocksDone[slot] = 0;
    this.#busy[slot] = 0;
    this.#touchedAt[slot] = now;
    const first = slot * this.#blocksMax;
    const end = first + cut.blockCount;
    this.#have.fill(0, first, end);
    this.#states.fill(FILLING, first, end);
    this.#parity.fill(0, first, end);
    this.#asked.fill(0, first, end);
    this.#blockTouchedAt.fill(now, first, end);
    this.#seen.fill(0, first * SEEN_WORDS, end * SEEN_WORDS);
    const places = slot * this.symbolsMax;
    this.#places.fill(EMPTY, places, places + chunkSymbols);
    return slot;
  }

  /**
   * Gives a slot back.
   *
   * @param slot - One that holds a chunk.
   */
  release(slot: number): void {
    assert(this.chunkOf(slot) >= 0, `slot ${slot} is free`);
    this.#chunks[slot] = -1;
    this.#cuts[slot] = undefined;
    this.#free.push(slot);
  }

  /**
   * @param before - A time.
   * @returns True if the slot holds a chunk that is under neither repair nor delivery and was last
   *   touched before that time.
   */
  isUntouched(slot: number, before: number): boolean {
    return (
      this.chunkOf(slot) >= 0 && this.#busy[slot] === 0 && (this.#touchedAt[slot] ?? 0) < before
    );
  }

  /**
   * Finds a slot to give up: one under neither repair nor delivery that was not touched for long.
   *
   * @param before - Only slots last touched before this time.
   * @returns The one untouched for longest, or -1.
   */
  stalest(before: number): number {
    let found = -1;
    let oldest = before;
    for (let slot = 0; slot < this.count; slot += 1) {
      if (!this.isUntouched(slot, oldest)) continue;
      oldest = this.#touchedAt[slot] ?? 0;
      found = slot;
    }
    return found;
  }

  /**
   * Stores a symbol.
   *
   * @param slot - One that holds a chunk.
   * @param symbol - Name of the symbol, 0 .. 254.
   * @param source - Arena offset of its bytes; copied.
   */
  // One parameter above the rule: an object per datagram would be garbage.
  // eslint-disable-next-line max-params
  put(slot: number, block: number, symbol: number, source: number, now: number): PutResult {
    const at = slot * this.#blocksMax + block;
    const word = at * SEEN_WORDS + (symbol >> 5);
    const bit = 1 << (symbol & 31);
    const seen = this.#seen[word] ?? 0;
    if (this.#states[at] !== FILLING || (seen & bit) !== 0) return PutResult.surplus;
    this.#seen[word] = seen | bit;
    const cut = this.cutOf(slot);
    const k = blockSymbols(cut, block);
    const first = blockFirstSymbol(cut, block);
    const place =
      symbol < k ? this.#vacate(slot, first, symbol, k) : this.#emptyPlace(slot, first, k);
    this.#write(slot, first + place, symbol, source);
    if (symbol >= k) this.#parity[at] = 1;
    this.#touchedAt[slot] = now;
    this.#blockTouchedAt[at] = now;
    const have = (this.#have[at] ?? 0) + 1;
    this.#have[at] = have;
    if (have < k) return PutResult.kept;
    return this.#full(slot, at, first, k);
  }

  /**
   * A block has k symbols. Checks whether all are source symbols, because all parity may have been
   * replaced by now.
   */
  #full(slot: number, at: number, first: number, k: number): PutResult {
    if (this.#parity[at] === 1) {
      const places = slot * this.symbolsMax + first;
      for (let place = 0; place < k; place += 1) {
        if (this.#places[places + place] === place) continue;
        this.#states[at] = REPAIRING;
        this.#busy[slot] = (this.#busy[slot] ?? 0) + 1;
        return PutResult.blockRepairable;
      }
    }
    this.#states[at] = COMPLETE;
    this.#blocksDone[slot] = (this.#blocksDone[slot] ?? 0) + 1;
    return PutResult.blockComplete;
  }

  /** Frees a source symbol's own place; a parity symbol there moves to another place. */
  #vacate(slot: number, first: number, symbol: number, k: number): number {
    const place = slot * this.symbolsMax + first + symbol;
    const occupant = this.#places[place] ?? EMPTY;
    if (occupant !== EMPTY) {
      const other = this.#emptyPlace(slot, first, k);
      this.#write(slot, first + other, occupant, this.#placeOffset(slot, first + symbol));
    }
    return symbol;
  }

  /**
   * The lowest empty place. Symbols come in order, so a low one was lost, while a high one may only
   * be late.
   */
  #emptyPlace(slot: number, first: number, k: number): number {
    const places = slot * this.symbolsMax + first;
    for (let place = 0; place < k; place += 1) {
      if (this.#places[places + place] === EMPTY) return place;
    }
    assert.fail("a block that lacks symbols has no empty place");
  }

  #write(slot: number, place: number, symbol: number, source: number): void {
    const { bytes, symbolBytes } = this.#shape;
    bytes.copyWithin(this.#placeOffset(slot, place), source, source + symbolBytes);
    this.#places[slot * this.symbolsMax + place] = symbol;
  }

  #placeOffset(slot: number, place: number): number {
    return this.offsetOf(slot) + place * this.#shape.symbolBytes;
  }

  /**
   * Marks a block as repaired.
   *
   * @param slot - One that holds a chunk.
   * @param block - One that `put` called repairable.
   */
  repaired(slot: number, block: number): void {
    const at = slot * this.#blocksMax + block;
    assert(this.#states[at] === REPAIRING, "block was not to be repaired");
    this.#states[at] = COMPLETE;
    this.#busy[slot] = (this.#busy[slot] ?? 0) - 1;
    this.#blocksDone[slot] = (this.#blocksDone[slot] ?? 0) + 1;
  }

  /**
   * @param slot - One that holds a chunk.
   * @param block - One of its blocks that `put` called repairable.
   * @returns Name of the symbol in each place; fresh.
   */
  symbolsIn(slot: number, block: number): Uint8Array {
    const cut = this.cutOf(slot);
    const from = slot * this.symbolsMax + blockFirstSymbol(cut, block);
    return this.#places.slice(from, from + blockSymbols(cut, block));
  }

  /**
   * @param slot - One that holds a chunk.
   * @returns Arena offset of the block's first place.
   */
  blockOffset(slot: number, block: number): number {
    return this.#placeOffset(slot, blockFirstSymbol(this.cutOf(slot), block));
  }

  /** @param slot - Any slot. @returns Its chunk, or -1. */
  chunkOf(slot: number): number {
    return this.#chunks[slot] ?? -1;
  }

  /** @param slot - One that holds a chunk. @returns How the chunk is cut. */
  cutOf(slot: number): BlockPartition {
    const cut = this.#cuts[slot];
    assert(cut !== undefined, "slot is free");
    return cut;
  }

  /** @param slot - Any slot. @returns Arena offset of its first byte. */
  offsetOf(slot: number): number {
    return this.#shape.offset + slot * this.#slotBytes;
  }

  /** @param slot - One that holds a chunk. @returns True when every block is complete. */
  isComplete(slot: number): boolean {
    return this.#blocksDone[slot] === this.cutOf(slot).blockCount;
  }

  /**
   * Protects the slot from being given up during a delivery.
   *
   * @param slot - A complete one that is being delivered.
   */
  setDelivering(slot: number): void {
    this.#busy[slot] = 1;
  }

  /**
   * @param slot - One that holds a chunk.
   * @returns Symbols it lacks, 0 .. k; 0 for a block under repair.
   */
  deficit(slot: number, block: number): number {
    const at = slot * this.#blocksMax + block;
    if (this.#states[at] !== FILLING) return 0;
    return blockSymbols(this.cutOf(slot), block) - (this.#have[at] ?? 0);
  }

  /**
   * @param slot - One that holds a chunk. @param block - Its block. @returns When a symbol last
   * came.
   */
  blockTouchedAt(slot: number, block: number): number {
    return this.#blockTouchedAt[slot * this.#blocksMax + block] ?? 0;
  }

  /** @param slot - One that holds a chunk. @param block - Asked about by a SYNC. */
  setAsked(slot: number, block: number): void {
    this.#asked[slot * this.#blocksMax + block] = 1;
  }

  /**
   * @param slot - One that holds a chunk. @param block - Its block. @returns True after a SYNC
   * asked.
   */
  wasAsked(slot: number, block: number): boolean {
    return this.#asked[slot * this.#blocksMax + block] === 1;
  }
}
