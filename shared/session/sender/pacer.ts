/**
 * The token bucket that spaces datagrams out.
 *
 * The bucket fills at the session's rate. Its depth is the time by which the driver may wake too
 * late, so that a late wake-up costs no throughput and yet no burst is longer than a switch's
 * egress buffer can hold. It counts bytes on the wire; the callers decide what is sent.
 */

/**
 * Shallowest bucket: a switch whose port has a tenth of our speed can buffer a burst of 32 KiB.
 * Unit: bytes.
 */
const DEPTH_MIN = 32_768;
/**
 * The bucket holds at most the bytes of this time: timers wake to the millisecond, on a busy host
 * later. Unit: milliseconds.
 */
const DEPTH_MS = 4;

export class Pacer {
  #bytesPerMs: number;
  #tokens: number;
  #filledAt = -1;

  constructor(bitsPerSecond: number) {
    this.#bytesPerMs = bitsPerSecond / 8000;
    this.#tokens = 0;
  }

  setRate(bitsPerSecond: number): void {
    this.#bytesPerMs = bitsPerSecond / 8000;
  }

  /**
   * Tells whether a datagram may be sent now.
   *
   * @returns True while the bucket is not empty; the last datagram may overdraw it.
   */
  ready(now: number): boolean {
    this.#fill(now);
    return this.#tokens > 0;
  }

  /** Takes bytes that were sent out of the bucket, overheads included. */
  charge(wireBytes: number): void {
    this.#tokens -= wireBytes;
  }

  /** @returns When {@link ready} will be true. Unit: milliseconds on the clock of `ready`. */
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
