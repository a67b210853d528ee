/**
 * Bounds the lines of the log that somebody on the network can cause.
 *
 * Each kind of line has a limit, and all have one together. What is left out is counted, and the
 * next line of the same kind says how many there were. Time is monotonic.
 */
import { KeyedBuckets, TokenBucket } from "../shared/core/token-bucket.ts";
import type { Millis } from "../shared/core/units.ts";

export class LogLimit {
  readonly #all: TokenBucket;
  readonly #byKind = new KeyedBuckets(KIND_PER_SECOND, KIND_BURST, KINDS_MAX);
  readonly #leftOut = new Map<string, number>();

  constructor(now: Millis) {
    this.#all = new TokenBucket(ALL_PER_SECOND, ALL_BURST, now);
  }

  /**
   * Asks whether a line may be written.
   *
   * @param kind - What lines like this one have in common: who caused them, and by what.
   * @returns How many lines of its kind were left out before it; undefined: leave it out too.
   */
  take(kind: string, now: Millis): number | undefined {
    const before = this.#leftOut.get(kind) ?? 0;
    this.#leftOut.delete(kind);
    if (this.#byKind.take(kind, now) && this.#all.take(now)) return before;
    if (this.#leftOut.size >= KINDS_MAX) this.#leftOut.clear();
    this.#leftOut.set(kind, before + 1);
    return undefined;
  }
}

/** A node that boots causes some ten lines, each of another kind. */
const KIND_PER_SECOND = 0.2;
const KIND_BURST = 10;
/** A room of 400 nodes that boots at once is logged whole. */
const ALL_PER_SECOND = 20;
const ALL_BURST = 4000;
/** Most kinds that are told apart. */
const KINDS_MAX = 65_536;
