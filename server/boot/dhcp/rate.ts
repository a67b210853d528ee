/**
 * Limits how many DHCP messages are read: 10 per second from one MAC, 500 per second in all.
 *
 * Both limits are token buckets, refilled with time. Only MACs of the inventory have a bucket of
 * their own, so the inventory bounds the table. The common bucket is asked first, and bounds what
 * strangers can cost us. Time is monotonic.
 */
import type { Millis } from "../../../shared/core/units.ts";
import type { Mac } from "../addresses.ts";
import { NODES_MAX } from "../boot-table.ts";

/**
 * Messages per second from one MAC: PXE ROMs send at most 4 in their first second.
 *
 * @internal A test uses it.
 */
export const PER_MAC_PER_SECOND = 10;
/**
 * Messages per second in all: enough for 125 nodes that are powered on in the same second.
 *
 * @internal A test uses it.
 */
export const TOTAL_PER_SECOND = 500;

interface Bucket {
  level: number;
  at: Millis;
}

export class RateLimit {
  readonly #total: Bucket;
  readonly #perMac = new Map<Mac, Bucket>();

  constructor(now: Millis) {
    this.#total = { level: TOTAL_PER_SECOND, at: now };
  }

  /** Takes a message from the common bucket; false: drop it unread. `now` is monotonic. */
  takeAny(now: Millis): boolean {
    return take(this.#total, TOTAL_PER_SECOND, now);
  }

  /** Takes a message from the bucket of one MAC of the inventory; false: drop it. */
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
