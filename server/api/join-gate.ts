/**
 * Limits how many joins the server takes (a token bucket), so that a room of nodes, or a hostile
 * one, cannot flood it.
 */
import assert from "node:assert/strict";

/** Lets through `perSecond` on average and `burst` at once. */
export class JoinGate {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  /**
   * @param perSecond - Above 0.
   * @param burst - At least 1.
   * @param now - Milliseconds since any fixed moment.
   */
  constructor(perSecond: number, burst: number, now: number) {
    assert(perSecond > 0 && burst >= 1);
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#at = now;
  }

  /** Gives false if the caller must come again later. `now` counts from the same moment. */
  pass(now: number): boolean {
    const gained = (Math.max(0, now - this.#at) * this.#perSecond) / 1000;
    this.#left = Math.min(this.#burst, this.#left + gained);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
