/**
 * Where every chunk of the session is: lacking, in a slot, being fetched, done, or not wanted.
 *
 * Two bytes a chunk (32 MiB for the largest session) answer the question of every datagram without
 * a search. The number of chunks may be unknown at first (a pipe); the table then grows with the
 * chunks seen.
 */
import assert from "node:assert";
import { intersectRanges, normalRanges } from "../../core/ranges.ts";
import type { Range } from "../../core/ranges.ts";
import { SESSION_CHUNKS_MAX } from "../../wire/sync.ts";

/** Slots that the codes leave room for. */
export const SLOTS_MAX = 65_000;
const LACKING = 0;
const DONE = 65_535;
const UNWANTED = 65_534;
const FETCHING = 65_533;
const CHUNKS_AT_FIRST = 1024;

/** Which chunks of a span a receiver has nothing of. */
export interface LackingDescription {
  readonly from: number;
  /** First chunk after `from` that `ranges` say nothing about. */
  readonly to: number;
  readonly ranges: readonly Range[];
}

/** How much a description says at most. */
export interface DescriptionBounds {
  readonly rangesMax: number;
  /** Lacking chunks in all ranges together. */
  readonly chunksMax: number;
  /**
   * Slots whose chunk gets no further by repairs: it is described as lacking, and its slot waits
   * for it.
   */
  readonly isStuck: (slot: number) => boolean;
}

/** The table. */
export class ChunkStates {
  #codes: Uint16Array;
  #count: number | undefined;
  #doneCount = 0;
  #lacking = 0;
  readonly #wanted: readonly Range[];
  /** Every chunk below is done, fetched or not wanted. */
  #settledBelow = 0;

  /**
   * @param wanted - Chunks wanted; undefined = all.
   */
  constructor(wanted: readonly Range[] | undefined) {
    this.#wanted = normalRanges(wanted ?? [{ start: 0, end: SESSION_CHUNKS_MAX }]);
    this.#codes = new Uint16Array(0);
    this.#grow(CHUNKS_AT_FIRST);
  }

  /** @returns Chunks of the session; undefined while unknown. */
  get count(): number | undefined {
    return this.#count;
  }

  /** @returns Chunks that are done. */
  get done(): number {
    return this.#doneCount;
  }

  /** @returns Chunks wanted and not done; 0 while the count is unknown. */
  get lacking(): number {
    return this.#count === undefined ? 0 : this.#lacking;
  }

  /** @returns Lowest chunk that is wanted and not done; the count when there is none. */
  get lowestLacking(): number {
    const end = this.#count ?? this.#codes.length;
    while (this.#settledBelow < end && this.#isSettled(this.#settledBelow)) this.#settledBelow += 1;
    return this.#settledBelow;
  }

  /**
   * Fixes the number of chunks. A second call must agree.
   *
   * @param count - 0 .. 2^24.
   * @returns False when it contradicts an earlier count, or chunks beyond it were seen as done.
   */
  setCount(count: number): boolean {
    if (this.#count !== undefined) return this.#count === count;
    this.#grow(count);
    this.#count = count;
    this.#lacking = 0;
    for (let chunk = 0; chunk < count; chunk += 1) if (!this.#isSettled(chunk)) this.#lacking += 1;
    return true;
  }

  /** @returns True when the session can have such a chunk. */
  exists(chunk: number): boolean {
    return chunk < (this.#count ?? SESSION_CHUNKS_MAX);
  }

  /** @returns Its slot, or -1 when it is in none. */
  slotOf(chunk: number): number {
    const code = this.#codes[chunk] ?? LACKING;
    return code >= FETCHING ? -1 : code - 1;
  }

  /** @returns True when it is wanted, not done and nowhere. */
  isLacking(chunk: number): boolean {
    if (chunk >= this.#codes.length) this.#grow(chunk + 1);
    return this.#codes[chunk] === LACKING;
  }

  /**
   * @param chunk - One that is lacking.
   * @param slot - The slot it is now in.
   */
  setSlot(chunk: number, slot: number): void {
    this.#codes[chunk] = slot + 1;
  }

  /**
   * @param chunk - One in a slot or being fetched, which is nowhere again.
   */
  setLacking(chunk: number): void {
    const code = this.#codes[chunk] ?? LACKING;
    assert(code !== LACKING && code <= FETCHING, `chunk ${chunk} was in no slot and not fetched`);
    this.#codes[chunk] = LACKING;
  }

  /**
   * @param chunk - One that is lacking and now fetched by unicast.
   */
  setFetching(chunk: number): void {
    this.#codes[chunk] = FETCHING;
  }

  /**
   * @param chunk - One in a slot or being fetched, which is right and kept.
   */
  setDone(chunk: number): void {
    if (this.#codes[chunk] === DONE) return;
    this.#codes[chunk] = DONE;
    this.#doneCount += 1;
    this.#lacking -= 1;
  }

  /**
   * Wants chunks (again): whatever is done or was not wanted in the ranges becomes lacking.
   *
   * @param ranges - Any ranges of chunks.
   */
  addLacking(ranges: readonly Range[]): void {
    const limit = this.#count ?? this.#codes.length;
    for (const { start, end } of intersectRanges(normalRanges(ranges), [
      { start: 0, end: limit },
    ])) {
      for (let chunk = start; chunk < end; chunk += 1) {
        const code = this.#codes[chunk];
        if (code !== DONE && code !== UNWANTED) continue;
        if (code === DONE) this.#doneCount -= 1;
        this.#codes[chunk] = LACKING;
        this.#lacking += 1;
      }
      this.#settledBelow = Math.min(this.#settledBelow, start);
    }
  }

  /**
   * Finds a chunk to fetch.
   *
   * @returns The first lacking chunk at or after `from`, or -1.
   */
  nextLacking(from: number): number {
    const end = this.#count ?? 0;
    for (let chunk = from; chunk < end; chunk += 1)
      if (this.#codes[chunk] === LACKING) return chunk;
    return -1;
  }

  /**
   * Describes what is lacking from a chunk on, or from the first lacking one when nothing is
   * lacking there.
   *
   * @param from - Where the sender stands.
   * @param below - Chunks at and above are not described: not sent yet, or beyond what the ring can
   *   take.
   * @returns An exact description of a span; an empty span when there is no room for any chunk.
   */
  describe(from: number, below: number, bounds: DescriptionBounds): LackingDescription {
    const end = Math.min(this.#count ?? SESSION_CHUNKS_MAX, below);
    if (end > this.#codes.length) this.#grow(end);
    const ahead = this.#ranges(Math.min(from, end), end, bounds);
    if (ahead.ranges.length > 0) return ahead;
    return this.#ranges(0, end, bounds);
  }

  #ranges(from: number, end: number, bounds: DescriptionBounds): LackingDescription {
    const ranges: Range[] = [];
    let chunk = from;
    let room = bounds.chunksMax;
    while (chunk < end && ranges.length < bounds.rangesMax && room > 0) {
      while (chunk < end && !this.#isWelcome(chunk, bounds)) chunk += 1;
      const start = chunk;
      const stop = Math.min(end, start + room);
      while (chunk < stop && this.#isWelcome(chunk, bounds)) chunk += 1;
      if (chunk > start) ranges.push({ start, end: chunk });
      room -= chunk - start;
    }
    return { from, to: chunk, ranges };
  }

  #isWelcome(chunk: number, bounds: DescriptionBounds): boolean {
    const code = this.#codes[chunk] ?? LACKING;
    return code === LACKING || (code < FETCHING && bounds.isStuck(code - 1));
  }

  #isSettled(chunk: number): boolean {
    const code = this.#codes[chunk];
    return code === DONE || code === UNWANTED;
  }

  /** Makes room, at least doubling, and marks what is not wanted of the new part. */
  #grow(count: number): void {
    assert(count <= SESSION_CHUNKS_MAX, `${count} chunks`);
    const old = this.#codes;
    if (count <= old.length) return;
    const size = Math.min(Math.max(count, old.length * 2), SESSION_CHUNKS_MAX);
    this.#codes = new Uint16Array(size);
    this.#codes.set(old);
    this.#codes.fill(UNWANTED, old.length);
    for (const { start, end } of this.#wanted) {
      if (end > old.length)
        this.#codes.fill(LACKING, Math.max(start, old.length), Math.min(end, size));
    }
  }
}
