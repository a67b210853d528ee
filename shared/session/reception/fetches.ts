/**
 * The tail: chunks that multicast did not bring are fetched by unicast, a few at a time.
 *
 * A chunk is either forced (its content was wrong too often) or taken in order from all that lack,
 * once the session is over. Fetching itself is the driver's.
 */
import type { ChunkStates } from "./chunks.ts";

/** Bounds of fetching. */
export interface FetchBounds {
  /** Open fetches at a time. */
  readonly fetchesMax: number;
  /** Failed fetches of one chunk before it is hopeless. */
  readonly fetchTriesMax: number;
}

/** What is fetched and what waits for it. */
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
   * @param chunks - The session's chunks; lacking ones are marked as they are fetched.
   * @param bounds - How many at a time, how often.
   */
  constructor(chunks: ChunkStates, bounds: FetchBounds) {
    this.#chunks = chunks;
    this.#bounds = bounds;
  }

  /** @returns Chunks fetched and right. */
  get fetched(): number {
    return this.#fetched;
  }

  /** @returns True once everything that lacks is fetched. */
  get all(): boolean {
    return this.#all;
  }

  /** Fetches everything that lacks, from now on. */
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

  /** A forced chunk that came by multicast while it waited is not fetched as well. */
  #nextForced(): number {
    for (let chunk = this.#forced.shift(); chunk !== undefined; chunk = this.#forced.shift()) {
      if (this.#chunks.isLacking(chunk)) return chunk;
    }
    return -1;
  }

  /** In order; then those that lack again although their turn is over, from the lowest on. */
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
   * @param ok - The driver has checked and kept it.
   * @returns False when it failed too often: the reception cannot succeed.
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
