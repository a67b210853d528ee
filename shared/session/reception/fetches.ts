/**
 * The tail: chunks that multicast did not bring are fetched by unicast, a few at a time.
 *
 * Forced chunks (whose content was wrong too often) are fetched at any time; once multicast is
 * over, all lacking chunks are fetched in order. The driver does the fetching.
 */
import type { ChunkStates } from "./chunks.ts";

/** Bounds of fetching. */
export interface FetchBounds {
  /** Open fetches at a time. */
  readonly fetchesMax: number;
  /** Failed fetches of one chunk before the reception fails. */
  readonly fetchTriesMax: number;
}

export class Fetches {
  readonly #chunks: ChunkStates;
  readonly #bounds: FetchBounds;
  readonly #forced: number[] = [];
  readonly #failures = new Map<number, number>();
  #open = 0;
  #all = false;
  #next = 0;
  #fetched = 0;

  /**
   * @param chunks - The session's chunks; lacking ones are marked when they are fetched.
   * @param bounds - How many at a time, how often.
   */
  constructor(chunks: ChunkStates, bounds: FetchBounds) {
    this.#chunks = chunks;
    this.#bounds = bounds;
  }

  /** @returns Number of chunks fetched and right. */
  get fetched(): number {
    return this.#fetched;
  }

  /** @returns True once `fetchAll` was called. */
  get all(): boolean {
    return this.#all;
  }

  /** From now on fetches everything that is lacking. */
  fetchAll(): void {
    this.#all = true;
    this.#next = 0;
  }

  /**
   * @param chunk - A lacking chunk to fetch before others.
   */
  force(chunk: number): void {
    this.#forced.push(chunk);
  }

  /**
   * Chooses the next chunk.
   *
   * @returns A chunk, now marked as being fetched, or -1.
   */
  next(): number {
    if (this.#open >= this.#bounds.fetchesMax) return -1;
    let chunk = this.#nextForced();
    if (chunk < 0 && this.#all) chunk = this.#nextOfAll();
    if (chunk < 0) return -1;
    this.#chunks.setFetching(chunk);
    this.#open += 1;
    return chunk;
  }

  /** The next forced chunk. One that arrived by multicast while it waited is skipped. */
  #nextForced(): number {
    for (let chunk = this.#forced.shift(); chunk !== undefined; chunk = this.#forced.shift()) {
      if (this.#chunks.isLacking(chunk)) return chunk;
    }
    return -1;
  }

  /**
   * The next lacking chunk in order; after the last, starts again with chunks that became lacking
   * later.
   */
  #nextOfAll(): number {
    let chunk = this.#chunks.nextLacking(this.#next);
    if (chunk < 0) chunk = this.#chunks.nextLacking(this.#chunks.lowestLacking);
    if (chunk >= 0) this.#next = chunk + 1;
    return chunk;
  }

  /**
   * Takes the outcome of a fetch.
   *
   * @param chunk - One that {@link next} gave.
   * @param ok - True if the driver has checked and kept it.
   * @returns False if it failed too often: the reception cannot succeed.
   */
  complete(chunk: number, ok: boolean): boolean {
    this.#open -= 1;
    if (ok) {
      this.#fetched += 1;
      this.#chunks.setDone(chunk);
      return true;
    }
    const failures = (this.#failures.get(chunk) ?? 0) + 1;
    this.#failures.set(chunk, failures);
    this.#chunks.setLacking(chunk);
    this.#forced.push(chunk);
    return failures < this.#bounds.fetchTriesMax;
  }
}
