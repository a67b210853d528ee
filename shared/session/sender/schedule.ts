/**
 * Which chunk's symbol goes next: the first pass in ascending order, then the carousel.
 *
 * Eight chunks are open at a time and take turns symbol by symbol, so that a burst of losses hits
 * many blocks a little instead of one block badly (protocol page 1.6). Disk order is ascending
 * because disks like it. The carousel sends only chunks that some active member described as wholly
 * lacking. It asks for reads ahead of need and keeps nothing of a chunk that is finished.
 */
import type { Block, CachedChunk, ChunkCache } from "./chunk-cache.ts";
import type { ReadRequest } from "./contract.ts";
import type { Member } from "./members.ts";
import type { ProactiveParity } from "./proactive.ts";

/** A member with no slot free can take nothing new. Unit: percent. */
const RING_FULL = 100;

/** A chunk that is open: how far it is. */
interface OpenChunk {
  readonly entry: CachedChunk;
  block: number;
  /** Next symbol of the block: below k source, above that proactive parity. */
  symbol: number;
  /** Symbols of the block to send in all: k + h, fixed when the block begins. */
  symbolsEnd: number;
}

/** What a schedule needs. */
export interface ScheduleParts {
  readonly cache: ChunkCache;
  readonly proactive: ProactiveParity;
  /** Chunks open at a time. */
  readonly interleave: number;
  /** Undefined while unknown. */
  readonly chunkCount: number | undefined;
}

/** The next symbol to send. The object is reused. */
export interface NextSymbol {
  block: Block | undefined;
  /** Below k: that source symbol. Otherwise a fresh one. */
  symbol: number;
}

/** The order of sending. */
export class Schedule {
  readonly #parts: ScheduleParts;
  readonly #open: OpenChunk[] = [];
  readonly #ahead: CachedChunk[] = [];
  readonly #next: NextSymbol = { block: undefined, symbol: 0 };
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

  /** @returns 1 = first pass, from 2 on the carousel. */
  get pass(): number {
    return this.#pass;
  }

  /** @returns Chunks of the session; undefined while unknown. */
  get chunkCount(): number | undefined {
    return this.#chunkCount;
  }

  /** @returns Chunks completely sent in the first pass. */
  get sent(): number {
    return this.#sent;
  }

  /** @returns True when all chunks were sent once. */
  get firstPassOver(): boolean {
    return this.#pass > 1;
  }

  /** @returns For SYNC: where the sender stands. */
  get frontier(): number {
    if (this.#pass > 1) return this.#frontier;
    let lowest = this.#cursor;
    for (const { entry } of this.#open) lowest = Math.min(lowest, entry.chunk);
    for (const { chunk } of this.#ahead) lowest = Math.min(lowest, chunk);
    return lowest;
  }

  /** @returns True when members must describe what they lack before the carousel can go on. */
  get wantsReports(): boolean {
    return this.#exhausted;
  }

  /** @returns Number of chunks open: 0 = nothing to send at the moment. */
  get openCount(): number {
    return this.#open.length;
  }

  /** The end of a pipe was found. */
  setCount(count: number): void {
    this.#chunkCount = Math.min(count, this.#chunkCount ?? count);
  }

  /**
   * Opens chunks that are here, asks for those that come next.
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
      // A chunk that is being read for a repair is pinned by that reading; the pin becomes ours.
      if (cached !== undefined && cached.symbols > 0) cached.pins += 1;
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
      for (const block of entry.blocks) block.finished = false;
      const open = { entry, block: 0, symbol: 0, symbolsEnd: 0 };
      this.#begin(open);
      this.#open.push(open);
      if (this.#pass > 1) this.#frontier = entry.chunk;
    }
  }

  /** @returns True when it is open or about to be. */
  holds(entry: CachedChunk): boolean {
    return this.#ahead.includes(entry) || this.#open.some((open) => open.entry === entry);
  }

  /** A chunk of the pipe does not exist: forget it. */
  drop(entry: CachedChunk): void {
    const at = this.#ahead.indexOf(entry);
    if (at >= 0) this.#ahead.splice(at, 1);
    this.#parts.cache.discard(entry);
  }

  /** When a pass has sent everything, the next one begins with fresh descriptions of what lacks. */
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
    // What a report names beyond the last chunk does not exist: it is not looked for.
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
   * @returns The symbol whose turn it is, or undefined when nothing is open. It stays until
   * {@link taken}.
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
   * The symbol of {@link peek} was sent.
   *
   * @returns Its block, when that is now finished; else undefined.
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
      open.entry.pins -= 1;
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
