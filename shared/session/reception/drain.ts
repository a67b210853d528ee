/**
 * Measures how fast this computer decompresses and writes: stored bytes per second of work.
 *
 * Only time with deliveries in progress counts, so that an idle disk is not taken for a slow one.
 */

/** The speed is computed after this much work. Unit: milliseconds. */
const WORK_WINDOW_MS = 100;
/** Weight of a new value. */
const WEIGHT = 0.3;

export class Drain {
  #open = 0;
  #openSince = 0;
  #workMs = 0;
  #bytes = 0;
  #kiBs = 0;

  /** @returns The speed in KiB/s; 0 = not known. */
  get kiBs(): number {
    return Math.round(this.#kiBs);
  }

  /** @returns Deliveries in progress. */
  get open(): number {
    return this.#open;
  }

  begin(now: number): void {
    if (this.#open === 0) this.#openSince = now;
    this.#open += 1;
  }

  /** @param byteCount - Stored bytes of the delivery that ends. */
  end(byteCount: number, now: number): void {
    this.#open -= 1;
    this.#bytes += byteCount;
    this.#workMs += now - this.#openSince;
    this.#openSince = now;
    if (this.#workMs < WORK_WINDOW_MS) return;
    const figure = ((this.#bytes / 1024) * 1000) / this.#workMs;
    this.#kiBs += (figure - this.#kiBs) * (this.#kiBs === 0 ? 1 : WEIGHT);
    this.#bytes = 0;
    this.#workMs = 0;
  }
}
