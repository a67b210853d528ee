/**
 * What one party may cause: so much at once, and so much per second from then on.
 *
 * Whoever exceeds it is refused until the allowance has grown again; the others notice nothing.
 */

export class Allowance {
  readonly #perMs: number;
  readonly #atOnce: number;
  #left: number;
  #filledAt = -Infinity;

  /**
   * @param perSecond - Growth.
   * @param atOnce - Most that can be saved up, which is there from the start.
   */
  constructor(perSecond: number, atOnce: number) {
    this.#perMs = perSecond / 1000;
    this.#atOnce = atOnce;
    this.#left = atOnce;
  }

  /** @returns False if the allowance is too small: nothing was taken. */
  take(amount: number, now: number): boolean {
    if (now > this.#filledAt) {
      this.#left = Math.min(this.#left + (now - this.#filledAt) * this.#perMs, this.#atOnce);
      this.#filledAt = now;
    }
    if (this.#left < amount) return false;
    this.#left -= amount;
    return true;
  }
}
