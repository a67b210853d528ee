/**
 * How many DHCP messages are looked at: 10 a second from one MAC, 500 a second in all
 * (protocol-and-safety 3.6).
 *
 * Two kinds of token bucket, refilled by the time that passed. Only MACs of the inventory get a
 * bucket, so the table is bounded by the inventory; the common bucket is asked first and bounds
 * what strangers can cost.
 */
import type { Millis } from "../../../shared/core/units.ts";
import type { Mac } from "../addresses.ts";
import { NODES_MAX } from "../boot-table.ts";

/**
 * Messages a second from one MAC: PXE ROMs send at most 4 in their first second.
 *
 * @internal A test looks at it.
 */
export const PER_MAC_PER_SECOND = 10;
/**
 * Messages a second in all: 125 nodes powered on in the same second.
 *
 * @internal A test looks at it.
 */
export const TOTAL_PER_SECOND = 500;

interface Bucket {
  level: number;
  at: Millis;
}

/** Remembers who sent how much. */
export class RateLimit {
  readonly #total: Bucket;
  readonly #perMac = new Map<Mac, Bucket>();

  /** @param now - Monotonic. */
  constructor(now: Millis) {
    this.#total = { level: TOTAL_PER_SECOND, at: now };
  }

  /**
   * Takes a message from the common allowance.
   *
   * @param now - Monotonic.
   * @returns False when it must be dropped unread.
   */
  takeAny(now: Millis): boolean {
    return take(this.#total, TOTAL_PER_SECOND, now);
  }

  /**
   * Takes a message from the allowance of one MAC of the inventory.
   *
   * @param mac - Its MAC.
   * @param now - Monotonic.
   * @returns False when it must be dropped.
   */
  takeFrom(mac: Mac, now: Millis): boolean {
    let bucket = this.#perMac.get(mac);
    if (bucket === undefined) {
      if (this.#perMac.size >= NODES_MAX) this.#perMac.clear(); // the inventory was replaced
      bucket = { level: PER_MAC_PER_SECOND, at: now };
      this.#perMac.set(mac, bucket);
    }
    return take(bucket, PER_MAC_PER_SECOND, now);
  }
}

function take(bucket: Bucket, perSecond: number, now: Millis): boolean {
  const elapsedMs = Math.max(0, now - bucket.at);
  bucket.level = Math.min(perSecond, bucket.level + (elapsedMs * perSecond) / 1000);
  bucket.at = now;
  if (bucket.level < 1) return false;
  bucket.level -= 1;
  return true;
}
