/**
 * Token buckets: how often something may happen on average, and how often at once.
 *
 * A server that answers strangers has one bucket for each of them, so that a flood costs the one
 * who floods. Time is an argument, in milliseconds since any fixed moment.
 */
import assert from "node:assert/strict";
import type { Millis } from "./units.ts";

/** Lets through `perSecond` on average and `burst` at once. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: Millis;

  /**
   * @param perSecond - Above 0.
   * @param burst - At least 1.
   */
  constructor(perSecond: number, burst: number, now: Millis) {
    assert(perSecond > 0 && burst >= 1);
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#at = now;
  }

  /** Gives false if the bucket is empty. A clock that steps back gives nothing. */
  take(now: Millis): boolean {
    const gained = (Math.max(0, now - this.#at) * this.#perSecond) / 1000;
    this.#left = Math.min(this.#burst, this.#left + gained);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** Puts back what was taken in vain. */
  giveBack(): void {
    this.#left = Math.min(this.#burst, this.#left + 1);
  }
}

/**
 * A bucket for each key. The keys used longest ago are forgotten, a whole generation at a time, so
 * that forgetting costs nothing per call.
 */
export class KeyedBuckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #generation: number;
  #young = new Map<string, TokenBucket>();
  #old = new Map<string, TokenBucket>();

  /**
   * @param perSecond - Of each bucket, above 0.
   * @param burst - Of each bucket, at least 1.
   * @param keysMax - Most keys that are remembered; half as many always are.
   */
  constructor(perSecond: number, burst: number, keysMax: number) {
    assert(keysMax >= 2);
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#generation = Math.floor(keysMax / 2);
  }

  /** Takes from the bucket of a key; gives false if it is empty. */
  take(key: string, now: Millis): boolean {
    const known = this.#young.get(key) ?? this.#old.get(key);
    const bucket = known ?? new TokenBucket(this.#perSecond, this.#burst, now);
    if (this.#young.size >= this.#generation && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, bucket);
    return bucket.take(now);
  }
}
