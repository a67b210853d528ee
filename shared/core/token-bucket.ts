/**
 * Token buckets: how often something may happen on average, and how often at once.
 *
 * A server that answers strangers has one bucket for each of them, so that a flood costs the one who
 * floods. Time is an argument, in milliseconds since any fixed moment.
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

/** A bucket for each key. The keys used longest ago are forgotten. */
export class KeyedBuckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, TokenBucket>();

  /**
   * @param perSecond - Of each bucket, above 0.
   * @param burst - Of each bucket, at least 1.
   * @param keysMax - Most keys that are remembered.
   */
  constructor(perSecond: number, burst: number, keysMax: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#keysMax = keysMax;
  }

  /** Takes from the bucket of a key; gives false if it is empty. */
  take(key: string, now: Millis): boolean {
    const known = this.#buckets.get(key);
    const bucket = known ?? new TokenBucket(this.#perSecond, this.#burst, now);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#keysMax) break;
      this.#buckets.delete(oldest);
    }
    return bucket.take(now);
  }
}
