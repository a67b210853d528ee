/**
 * The token bucket that spaces datagrams out.
 *
 * The bucket fills at the session's rate and is no deeper than what the driver may oversleep, so
 * that a late wake-up does not cost throughput, yet no burst is longer than a switch's egress
 * buffer bears. It knows bytes on the wire only; what is sent is decided elsewhere.
 */

/**
 * Shallowest bucket: 32 KiB is the burst that a port of a tenth of the speed can hold back. Unit:
 * bytes.
 */
const DEPTH_MIN = 32_768;
/** The bucket holds this much time at most: timers wake to the millisecond, a busy host later. */
const DEPTH_MS = 4;

/** The bucket. */
export class Pacer {
  #bytesPerMs: number;
  #tokens: number;
  #filledAt = -1;

  /**
   * @param bitsPerSecond - Rate on the wire.
   */
  constructor(bitsPerSecond: number) {
    this.#bytesPerMs = bitsPerSecond / 8000;
    this.#tokens = 0;
  }

  /**
   * @param bitsPerSecond - New rate on the wire.
   */
  setRate(bitsPerSecond: number): void {
    this.#bytesPerMs = bitsPerSecond / 8000;
  }

  /**
   * Tells whether a datagram may go now.
   *
   * @returns True while the bucket is not empty; the last datagram may overdraw it.
   */
  ready(now: number): boolean {
    this.#fill(now);
    return this.#tokens > 0;
  }

  /**
   * @param wireBytes - What was sent.
   */
  charge(wireBytes: number): void {
    this.#tokens -= wireBytes;
  }

  /**
   * @returns When {@link ready} will be true. Unit: milliseconds on the clock of `ready`.
   */
  readyAt(): number {
    if (this.#tokens > 0) return this.#filledAt;
    return this.#filledAt + (1 - this.#tokens) / this.#bytesPerMs;
  }

  #fill(now: number): void {
    if (this.#filledAt >= 0) {
      const depth = Math.max(DEPTH_MIN, this.#bytesPerMs * DEPTH_MS);
      const tokens = this.#tokens + (now - this.#filledAt) * this.#bytesPerMs;
      this.#tokens = Math.min(tokens, depth);
    } else {
      this.#tokens = 1;
    }
    this.#filledAt = now;
  }
}
