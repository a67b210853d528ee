/**
 * Limits how many DHCP messages are answered: 10 per second to one MAC of the inventory, and 500
 * per second are read of all strangers together.
 *
 * The two have nothing in common: whatever strangers send, no node is answered less for it. Only
 * MACs of the inventory have a bucket of their own, so the inventory bounds the table. Time is
 * monotonic.
 */
import { KeyedBuckets, TokenBucket } from "../../../shared/core/token-bucket.ts";
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
 * Messages per second from all who are not in the inventory.
 *
 * @internal A test uses it.
 */
export const UNKNOWN_PER_SECOND = 500;
/** Most network cards of one node that boot. */
const MACS_PER_NODE = 4;

export class RateLimit {
  readonly #strangers: TokenBucket;
  readonly #perMac = new KeyedBuckets(
    PER_MAC_PER_SECOND,
    PER_MAC_PER_SECOND,
    NODES_MAX * MACS_PER_NODE,
  );

  constructor(now: Millis) {
    this.#strangers = new TokenBucket(UNKNOWN_PER_SECOND, UNKNOWN_PER_SECOND, now);
  }

  /** Takes a message from the bucket of all strangers; false: drop it unread. */
  takeStranger(now: Millis): boolean {
    return this.#strangers.take(now);
  }

  /** Takes a message from the bucket of one MAC of the inventory; false: drop it. */
  takeFrom(mac: Mac, now: Millis): boolean {
    return this.#perMac.take(mac, now);
  }
}
