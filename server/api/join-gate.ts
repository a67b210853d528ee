/**
 * The gate before joins: a bucket of tokens, so that a room of nodes (or a hostile one) cannot
 * flood the server.
 */
import assert from "node:assert/strict";

/** Lets through `perSecond` on average and `burst` at once. */
export class JoinGate {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  /**
   * @param perSecond - Average, above 0.
   * @param burst - Most at once, at least 1.
   * @param now - Milliseconds, any origin.
   */
  constructor(perSecond: number, burst: number, now: number) {
    assert(perSecond > 0 && burst >= 1);
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#at = now;
  }

  /**
   * Asks to pass.
   *
   * @param now - Milliseconds, same origin.
   * @returns False when the caller must come again later.
   */
  pass(now: number): boolean {
    const gained = (Math.max(0, now - this.#at) * this.#perSecond) / 1000;
    this.#left = Math.min(this.#burst, this.#left + gained);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
