/**
 * Which symbol is sent next: the first pass in ascending order, then the carousel.
 *
 * Eight chunks are open at a time and take turns symbol by symbol, so that a burst of losses costs
 * many blocks a few symbols instead of one block many. The order is ascending
 * because disks write fastest that way. The carousel sends only chunks that some active member
 * described as wholly lacking. The schedule requests reads ahead of need and keeps nothing of a
 * chunk that is finished.
 */
import type { Block, CachedChunk } from "./cached-chunk.ts";
import type { ChunkCache } from "./chunk-cache.ts";
import type { ReadRequest } from "./contract.ts";
import type { Member } from "./members.ts";
import type { ProactiveParity } from "./proactive.ts";

/** A member with no free lane can take nothing new. Unit: percent. */
const RING_FULL = 100;

/** An open chunk, and how far its sending has come. */
interface OpenChunk {
  readonly entry: CachedChunk;
  block: number;
  /** Next symbol of the block: below k a source symbol, from k on proactive parity. */
  symbol: number;
  /** Symbols of the block to send in all: k + h, fixed when the block starts. */
  symbolsEnd: number;
}

/** What a schedule needs. */
export interface ScheduleParts {
  readonly cache: ChunkCache;
  readonly proactive: ProactiveParity;
  /** Number of chunks open at a time. */
  readonly interleave: number;
  /** Undefined while unknown. */
  readonly chunkCount: number | undefined;
}

/** The next symbol to send. The object is reused. */
export interface NextSymbol {
  readonly block: Block | undefined;
  /** Below k: that source symbol. Otherwise the block's next fresh symbol. */
  readonly symbol: number;
}

export class Schedule {
  readonly #parts: ScheduleParts;
  readonly #open: OpenChunk[] = [];
  readonly #ahead: CachedChunk[] = [];
  readonly #next: { -readonly [Key in keyof NextSymbol]: NextSymbol[Key] } = {
    block: undefined,
    symbol: 0,
  };
  #chunkCount: number | undefined;
  #turn = 0;
  /** Next chunk to read. */
  #cursor = 0;
  #sent = 0;
  #pass = 1;
  #frontier = 0;
  #freshAfter = Infinity;
  #exhausted = false;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#chunkCount = parts.chunkCount;
  }

  /** @returns 1 = the first pass, 2 and more = the carousel. */
  get pass(): number {
    return this.#pass;
  }

  /** @returns Chunks of the session; undefined while unknown. */
  get chunkCount(): number | undefined {
    return this.#chunkCount;
  }

  /** @returns Number of chunks completely sent in the first pass. */
  get sent(): number {
    return this.#sent;
  }

  /** @returns True when all chunks were sent once. */
  get firstPassOver(): boolean {
    return this.#pass > 1;
  }

  /** @returns The sender's position, as a SYNC tells it. */
  get frontier(): number {
    if (this.#pass > 1) return this.#frontier;
    let lowest = this.#cursor;
    for (const { entry } of this.#open) lowest = Math.min(lowest, entry.chunk);
    for (const { chunk } of this.#ahead) lowest = Math.min(lowest, chunk);
    return lowest;
  }

  /** @returns True if members must report what they lack before the carousel can go on. */
  get wantsReports(): boolean {
    return this.#exhausted;
  }

  /** @returns Number of open chunks; 0 = nothing to send at the moment. */
  get openCount(): number {
    return this.#open.length;
  }

  /** Sets the number of chunks once the end of a pipe was found. */
  setCount(count: number): void {
    this.#chunkCount = Math.min(count, this.#chunkCount ?? count);
  }

  /**
   * Opens chunks that have been read, and requests those that come next.
   *
   * @param active - Members that still lack something.
   * @param roundTripMs - Of the group.
   * @returns Reads for the driver.
   */
  advance(active: readonly Member[], roundTripMs: number, now: number): ReadRequest[] {
    this.#openReady();
    this.#turnPass(roundTripMs, now);
    const reads: ReadRequest[] = [];
    const { cache, interleave } = this.#parts;
    while (this.#ahead.length < interleave) {
      const chunk = this.#nextChunk(active);
      if (chunk < 0) break;
      const cached = cache.get(chunk);
      const entry = cached ?? cache.reserve(chunk);
      if (entry === undefined) break;
      entry.pin();
      this.#cursor = chunk + 1;
      this.#ahead.push(entry);
      if (cached === undefined) {
        const offset = cache.offsetOf(entry);
        reads.push({ kind: "read", chunk, offset, capacity: cache.capacity });
      }
    }
    this.#openReady();
    return reads;
  }

  /** Moves chunks that have been read into the interleave, in order. */
  #openReady(): void {
    while (this.#open.length < this.#parts.interleave) {
      const entry = this.#ahead[0];
      if (entry === undefined || entry.symbols === 0) return;
      this.#ahead.shift();
      for (const block of entry.blocks) block.begin();
      const open = { entry, block: 0, symbol: 0, symbolsEnd: 0 };
      this.#begin(open);
      this.#open.push(open);
      if (this.#pass > 1) this.#frontier = entry.chunk;
    }
  }

  /** Forgets a chunk that does not exist: the pipe ended before it. */
  drop(entry: CachedChunk): void {
    const at = this.#ahead.indexOf(entry);
    if (at >= 0) this.#ahead.splice(at, 1);
    this.#parts.cache.discard(entry);
  }

  /**
   * When a pass has sent everything, asks for fresh descriptions of what is lacking and starts the
   * next.
   */
  #turnPass(roundTripMs: number, now: number): void {
    if (this.#open.length > 0 || this.#ahead.length > 0) return;
    const firstOver =
      this.#pass === 1 && this.#chunkCount !== undefined && this.#cursor >= this.#chunkCount;
    const carouselOver = this.#pass > 1 && this.#exhausted && this.#cursor > 0;
    if (!firstOver && !carouselOver) return;
    this.#pass += 1;
    this.#cursor = 0;
    this.#frontier = 0;
    this.#freshAfter = now + roundTripMs;
    this.#exhausted = true;
  }

  #nextChunk(active: readonly Member[]): number {
    if (this.#pass === 1) {
      return this.#cursor < (this.#chunkCount ?? Infinity) ? this.#cursor : -1;
    }
    // Chunks that a report names beyond the last one do not exist and are ignored.
    const end = this.#chunkCount ?? Infinity;
    let lowest = end;
    for (const member of active) {
      if (member.describedAt < this.#freshAfter || member.ringPercent >= RING_FULL) continue;
      lowest = Math.min(lowest, lackingFrom(member, this.#cursor));
    }
    this.#exhausted = lowest >= end;
    return this.#exhausted ? -1 : lowest;
  }

  #begin(open: OpenChunk): void {
    const block = open.entry.blocks[open.block];
    if (block === undefined) return;
    open.symbol = 0;
    open.symbolsEnd = block.k + this.#parts.proactive.symbolsFor(block.k);
  }

  /**
   * @returns The symbol whose turn it is, or undefined if nothing is open. It stays until
   *   {@link taken}.
   */
  peek(): NextSymbol | undefined {
    if (this.#open.length === 0) return undefined;
    if (this.#turn >= this.#open.length) this.#turn = 0;
    const open = this.#open[this.#turn];
    const next = this.#next;
    next.block = open?.entry.blocks[open.block];
    next.symbol = open?.symbol ?? 0;
    return next;
  }

  /**
   * Notes that the symbol of {@link peek} was sent.
   *
   * @returns Its block if that is finished now, else undefined.
   */
  taken(): Block | undefined {
    const open = this.#open[this.#turn];
    if (open === undefined) return undefined;
    open.symbol += 1;
    if (open.symbol < open.symbolsEnd) {
      this.#turn += 1;
      return undefined;
    }
    const block = open.entry.blocks[open.block];
    open.block += 1;
    if (open.block < open.entry.blocks.length) {
      this.#begin(open);
      this.#turn += 1;
    } else {
      this.#open.splice(this.#turn, 1);
      open.entry.unpin();
      if (this.#pass === 1) this.#sent += 1;
      this.#parts.cache.touch(open.entry);
    }
    return block;
  }
}

/** Lowest chunk at or after `from` that a member described as lacking. */
function lackingFrom(member: Member, from: number): number {
  for (const { start, end } of member.ranges) if (end > from) return Math.max(start, from);
  return Infinity;
}
