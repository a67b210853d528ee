/**
 * The state of every chunk of the session: lacking, in a lane, being fetched, done, or not wanted.
 *
 * Two bytes per chunk (32 MiB for the largest session) give the state for a datagram without a
 * search. The number of chunks may be unknown at first (a pipe); the table then grows with the
 * chunks seen.
 */
import assert from "node:assert";
import { intersectRanges, normalRanges } from "../../core/ranges.ts";
import type { Range } from "../../core/ranges.ts";
import { SESSION_CHUNKS_MAX } from "../../wire/sync.ts";

/** Number of lanes that the two-byte codes leave room for. */
export const LANES_MAX = 65_000;
const LACKING = 0;
const DONE = 65_535;
const UNWANTED = 65_534;
const FETCHING = 65_533;
const CHUNKS_AT_FIRST = 1024;

/** A statement about the span [from, to): which of its chunks the receiver has nothing of. */
export interface LackingDescription {
  readonly from: number;
  /** End of the span: `ranges` say nothing about chunks from here on. */
  readonly to: number;
  readonly ranges: readonly Range[];
}

/** Limits of a description. */
export interface DescriptionBounds {
  readonly rangesMax: number;
  /** Lacking chunks at most, all ranges together. */
  readonly chunksMax: number;
  /**
   * True for lanes whose chunk gets no further by repairs. The chunk is described as lacking and
   * keeps its lane.
   */
  readonly isStuck: (lane: number) => boolean;
}

export class ChunkStates {
  #codes: Uint16Array;
  #count: number | undefined;
  #doneCount = 0;
  #lacking = 0;
  readonly #wanted: readonly Range[];
  /** Every chunk below this one is done, fetched or not wanted. */
  #settledBelow = 0;

  /** @param wanted - Undefined = all chunks. */
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

  /** @returns Lowest chunk that is wanted and not done, or the count if there is none. */
  get lowestLacking(): number {
    const end = this.#count ?? this.#codes.length;
    while (this.#settledBelow < end && this.#isSettled(this.#settledBelow)) this.#settledBelow += 1;
    return this.#settledBelow;
  }

  /**
   * Sets the number of chunks. A second call must agree with the first.
   *
   * @param count - 0 .. 2^24.
   * @returns False if it contradicts an earlier count, or if chunks beyond it are done.
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

  /** @returns Its lane, or -1 when it is in none. */
  laneOf(chunk: number): number {
    const code = this.#codes[chunk] ?? LACKING;
    return code >= FETCHING ? -1 : code - 1;
  }

  /** @returns True if the chunk is wanted, not done, in no lane and not being fetched. */
  isLacking(chunk: number): boolean {
    if (chunk >= this.#codes.length) this.#grow(chunk + 1);
    return this.#codes[chunk] === LACKING;
  }

  /**
   * @param chunk - One that is lacking.
   * @param lane - The lane it is now in.
   */
  setLane(chunk: number, lane: number): void {
    this.#codes[chunk] = lane + 1;
  }

  /** @param chunk - In a lane or being fetched until now. */
  setLacking(chunk: number): void {
    const code = this.#codes[chunk] ?? LACKING;
    assert(code !== LACKING && code <= FETCHING, `chunk ${chunk} was in no lane and not fetched`);
    this.#codes[chunk] = LACKING;
  }

  /** @param chunk - One that is lacking and will be fetched by unicast. */
  setFetching(chunk: number): void {
    this.#codes[chunk] = FETCHING;
  }

  /** @param chunk - In a lane or being fetched until now; right and kept. */
  setDone(chunk: number): void {
    if (this.#codes[chunk] === DONE) return;
    this.#codes[chunk] = DONE;
    this.#doneCount += 1;
    this.#lacking -= 1;
  }

  /**
   * Makes chunks wanted (again): chunks in the ranges that were done or not wanted become lacking.
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
   * Describes what is lacking from a chunk on. If nothing is lacking there, starts at the first
   * lacking chunk of all.
   *
   * @param from - The sender's position.
   * @param below - Chunks from here on are not described: not sent yet, or beyond the ring's room.
   * @returns An exact description of a span; an empty span if there is no room for any chunk.
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

  /** Enlarges the table, at least twofold, and marks chunks of the new part that are not wanted. */
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
