/**
 * The ring: chunks that are being put together, each in one lane of the arena.
 *
 * A lane has exactly one place per source symbol. A parity symbol stands in the place of a source
 * symbol that is not here. If that source symbol still arrives, the parity symbol moves to another
 * empty place (there is one as long as the block lacks anything). So a lane is never larger than
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
import { LANES_MAX } from "./chunks.ts";

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
export interface LaneShape {
  /** The arena. */
  readonly bytes: Uint8Array;
  /** Offset of the ring in the arena. */
  readonly offset: number;
  /** Length of the ring. Unit: bytes. */
  readonly ringBytes: number;
  readonly symbolBytes: number;
  readonly recordBytesMax: number;
}

export class LaneTable {
  /** Number of lanes. */
  readonly count: number;
  /** Most source symbols of a chunk. */
  readonly symbolsMax: number;
  readonly #shape: LaneShape;
  readonly #laneBytes: number;
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

  constructor(shape: LaneShape) {
    this.#shape = shape;
    this.symbolsMax = Math.ceil(shape.recordBytesMax / shape.symbolBytes);
    this.#laneBytes = Math.ceil((this.symbolsMax * shape.symbolBytes) / PAGE_BYTES) * PAGE_BYTES;
    this.#blocksMax = Math.ceil(this.symbolsMax / SOURCE_SYMBOLS_MAX);
    this.count = Math.min(Math.floor(shape.ringBytes / this.#laneBytes), LANES_MAX);
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
    for (let lane = this.count - 1; lane >= 0; lane -= 1) this.#free.push(lane);
  }

  /** @returns Number of lanes that hold no chunk. */
  get freeCount(): number {
    return this.#free.length;
  }

  /**
   * Takes a free lane for a chunk.
   *
   * @param chunkSymbols - Its source symbols, 1 .. symbolsMax.
   * @returns The lane, or -1 when none is free.
   */
  take(chunk: number, chunkSymbols: number, now: number): number {
    const lane = this.#free.pop();
    if (lane === undefined) return -1;
    assert(chunkSymbols >= 1 && chunkSymbols <= this.symbolsMax, `${chunkSymbols} symbols`);
    const cut = partition(chunkSymbols, SOURCE_SYMBOLS_MAX);
    this.#chunks[lane] = chunk;
    this.#cuts[lane] = cut;
    this.#blocksDone[lane] = 0;
    this.#busy[lane] = 0;
    this.#touchedAt[lane] = now;
    const first = lane * this.#blocksMax;
    const end = first + cut.blockCount;
    this.#have.fill(0, first, end);
    this.#states.fill(FILLING, first, end);
    this.#parity.fill(0, first, end);
    this.#asked.fill(0, first, end);
    this.#blockTouchedAt.fill(now, first, end);
    this.#seen.fill(0, first * SEEN_WORDS, end * SEEN_WORDS);
    const places = lane * this.symbolsMax;
    this.#places.fill(EMPTY, places, places + chunkSymbols);
    return lane;
  }

  /**
   * Gives a lane back.
   *
   * @param lane - One that holds a chunk.
   */
  release(lane: number): void {
    assert(this.chunkOf(lane) >= 0, `lane ${lane} is free`);
    this.#chunks[lane] = -1;
    this.#cuts[lane] = undefined;
    this.#free.push(lane);
  }

  /**
   * @param before - A time.
   * @returns True if the lane holds a chunk that is under neither repair nor delivery and was last
   *   touched before that time.
   */
  isUntouched(lane: number, before: number): boolean {
    return (
      this.chunkOf(lane) >= 0 && this.#busy[lane] === 0 && (this.#touchedAt[lane] ?? 0) < before
    );
  }

  /**
   * Finds a lane to give up: one under neither repair nor delivery that was not touched for long.
   *
   * @param before - Only lanes last touched before this time.
   * @returns The one untouched for longest, or -1.
   */
  stalest(before: number): number {
    let found = -1;
    let oldest = before;
    for (let lane = 0; lane < this.count; lane += 1) {
      if (!this.isUntouched(lane, oldest)) continue;
      oldest = this.#touchedAt[lane] ?? 0;
      found = lane;
    }
    return found;
  }

  /**
   * Stores a symbol.
   *
   * @param lane - One that holds a chunk.
   * @param symbol - Name of the symbol, 0 .. 254.
   * @param source - Arena offset of its bytes; copied.
   */
  // One parameter above the rule: an object per datagram would be garbage.
  // eslint-disable-next-line max-params
  put(lane: number, block: number, symbol: number, source: number, now: number): PutResult {
    const at = lane * this.#blocksMax + block;
    const word = at * SEEN_WORDS + (symbol >> 5);
    const bit = 1 << (symbol & 31);
    const seen = this.#seen[word] ?? 0;
    if (this.#states[at] !== FILLING || (seen & bit) !== 0) return PutResult.surplus;
    this.#seen[word] = seen | bit;
    const cut = this.cutOf(lane);
    const k = blockSymbols(cut, block);
    const first = blockFirstSymbol(cut, block);
    const place =
      symbol < k ? this.#vacate(lane, first, symbol, k) : this.#emptyPlace(lane, first, k);
    this.#write(lane, first + place, symbol, source);
    if (symbol >= k) this.#parity[at] = 1;
    this.#touchedAt[lane] = now;
    this.#blockTouchedAt[at] = now;
    const have = (this.#have[at] ?? 0) + 1;
    this.#have[at] = have;
    if (have < k) return PutResult.kept;
    return this.#full(lane, at, first, k);
  }

  /**
   * A block has k symbols. Checks whether all are source symbols, because all parity may have been
   * replaced by now.
   */
  #full(lane: number, at: number, first: number, k: number): PutResult {
    if (this.#parity[at] === 1) {
      const places = lane * this.symbolsMax + first;
      for (let place = 0; place < k; place += 1) {
        if (this.#places[places + place] === place) continue;
        this.#states[at] = REPAIRING;
        this.#busy[lane] = (this.#busy[lane] ?? 0) + 1;
        return PutResult.blockRepairable;
      }
    }
    this.#states[at] = COMPLETE;
    this.#blocksDone[lane] = (this.#blocksDone[lane] ?? 0) + 1;
    return PutResult.blockComplete;
  }

  /** Frees a source symbol's own place; a parity symbol there moves to another place. */
  #vacate(lane: number, first: number, symbol: number, k: number): number {
    const place = lane * this.symbolsMax + first + symbol;
    const occupant = this.#places[place] ?? EMPTY;
    if (occupant !== EMPTY) {
      const other = this.#emptyPlace(lane, first, k);
      this.#write(lane, first + other, occupant, this.#placeOffset(lane, first + symbol));
    }
    return symbol;
  }

  /**
   * The lowest empty place. Symbols come in order, so a low one was lost, while a high one may only
   * be late.
   */
  #emptyPlace(lane: number, first: number, k: number): number {
    const places = lane * this.symbolsMax + first;
    for (let place = 0; place < k; place += 1) {
      if (this.#places[places + place] === EMPTY) return place;
    }
    assert.fail("a block that lacks symbols has no empty place");
  }

  #write(lane: number, place: number, symbol: number, source: number): void {
    const { bytes, symbolBytes } = this.#shape;
    bytes.copyWithin(this.#placeOffset(lane, place), source, source + symbolBytes);
    this.#places[lane * this.symbolsMax + place] = symbol;
  }

  #placeOffset(lane: number, place: number): number {
    return this.offsetOf(lane) + place * this.#shape.symbolBytes;
  }

  /**
   * Marks a block as repaired.
   *
   * @param lane - One that holds a chunk.
   * @param block - One that `put` called repairable.
   */
  repaired(lane: number, block: number): void {
    const at = lane * this.#blocksMax + block;
    assert(this.#states[at] === REPAIRING, "block was not to be repaired");
    this.#states[at] = COMPLETE;
    this.#busy[lane] = (this.#busy[lane] ?? 0) - 1;
    this.#blocksDone[lane] = (this.#blocksDone[lane] ?? 0) + 1;
  }

  /**
   * @param lane - One that holds a chunk.
   * @param block - One of its blocks that `put` called repairable.
   * @returns Name of the symbol in each place; fresh.
   */
  symbolsIn(lane: number, block: number): Uint8Array {
    const cut = this.cutOf(lane);
    const from = lane * this.symbolsMax + blockFirstSymbol(cut, block);
    return this.#places.slice(from, from + blockSymbols(cut, block));
  }

  /**
   * @param lane - One that holds a chunk.
   * @returns Arena offset of the block's first place.
   */
  blockOffset(lane: number, block: number): number {
    return this.#placeOffset(lane, blockFirstSymbol(this.cutOf(lane), block));
  }

  /** @param lane - Any lane. @returns Its chunk, or -1. */
  chunkOf(lane: number): number {
    return this.#chunks[lane] ?? -1;
  }

  /** @param lane - One that holds a chunk. @returns How the chunk is cut. */
  cutOf(lane: number): BlockPartition {
    const cut = this.#cuts[lane];
    assert(cut !== undefined, "lane is free");
    return cut;
  }

  /** @param lane - Any lane. @returns Arena offset of its first byte. */
  offsetOf(lane: number): number {
    return this.#shape.offset + lane * this.#laneBytes;
  }

  /** @param lane - One that holds a chunk. @returns True when every block is complete. */
  isComplete(lane: number): boolean {
    return this.#blocksDone[lane] === this.cutOf(lane).blockCount;
  }

  /**
   * Protects the lane from being given up during a delivery.
   *
   * @param lane - A complete one that is being delivered.
   */
  setDelivering(lane: number): void {
    this.#busy[lane] = 1;
  }

  /**
   * @param lane - One that holds a chunk.
   * @returns Symbols it lacks, 0 .. k; 0 for a block under repair.
   */
  deficit(lane: number, block: number): number {
    const at = lane * this.#blocksMax + block;
    if (this.#states[at] !== FILLING) return 0;
    return blockSymbols(this.cutOf(lane), block) - (this.#have[at] ?? 0);
  }

  /**
   * @param lane - One that holds a chunk. @param block - Its block. @returns When a symbol last
   * came.
   */
  blockTouchedAt(lane: number, block: number): number {
    return this.#blockTouchedAt[lane * this.#blocksMax + block] ?? 0;
  }

  /** @param lane - One that holds a chunk. @param block - Asked about by a SYNC. */
  setAsked(lane: number, block: number): void {
    this.#asked[lane * this.#blocksMax + block] = 1;
  }

  /**
   * @param lane - One that holds a chunk. @param block - Its block. @returns True after a SYNC
   * asked.
   */
  wasAsked(lane: number, block: number): boolean {
    return this.#asked[lane * this.#blocksMax + block] === 1;
  }
}
