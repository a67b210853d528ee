/**
 * How fast to send: finds what the network carries, and what the held members can write.
 *
 * The one idea: a full queue shows in the round trip before it shows as loss, and loss by a bad
 * cable shows in no queue. So the rate grows by a quarter per clean look until queueing or a drop
 * at a full buffer says stop, settles on what arrives, and then walks around it by a few percent.
 * Random loss at constant delay changes nothing. A held member whose ring fills sets a second
 * limit. Compare protocol page 1.9, whose loss rule this replaces.
 */
import type { SenderPolicy } from "./policy.ts";
import { upperMedian } from "./members.ts";
import type { Member } from "./members.ts";

/** Least time between two looks while searching. Unit: milliseconds. */
const LOOK_MS = 20;
/**
 * Afterwards: the least queueing of 100 ms is the network's, the rest is a busy host's (compare
 * CoDel, RFC 8289).
 */
const SETTLED_LOOK_MS = 100;
/** Looks in a row that must see a queue: one or two are a process that had to wait for its turn. */
const QUEUE_LOOKS = 3;
/**
 * Growth per clean look while searching: tenfold in a fifth of a second, and one look too many at
 * 1 Gbit/s queues 0.6 MB, which a switch port or a send buffer can hold.
 */
const SEARCH_GROWTH = 1.25;
/** Growth per clean look afterwards: 4 % in 100 ms is half as much again in a second. */
const SETTLED_GROWTH = 1.04;
/** Clean looks in a row after which the search begins anew: the path has become wider. */
const CLEAN_LOOKS_MAX = 5;
/**
 * Below this share of the rate the schedule had nothing to send, and the look says nothing about
 * the path.
 */
const BUSY_SHARE = 0.8;
/** Arriving less than this share of what is sent is a sign that a queue fills. */
const ARRIVING_SHARE = 0.97;
/**
 * More loss than this, at most members, is a queue too short to be seen in the round trip, not
 * chance. Should it be chance after all, the rate stops falling at a share of the start rate.
 */
const FLOOD_LOSS = 0.25;
const FLOOD_FLOOR = 0.05;
/** Share of what arrives that is sent while a long queue empties. */
const DRAINING_SHARE = 0.9;
/** Queueing beyond this many times the aim is congestion whatever arrives. */
const QUEUE_TIMES_MAX = 4;
const BACK_OFF = 0.85;
/** One look never takes more than half: what arrives may have been measured in a pause. */
const BACK_OFF_MOST = 0.5;
/** Nothing on earth is faster. Unit: bits per second. */
const RATE_MAX = 100e9;
/** KiB/s to bits per second. */
const KIB_BITS = 8192;

/** Who or what sets the rate. */
export type Limit = "cap" | "network" | "host" | "start" | number;

/** The rate of one session. */
export class RateControl {
  readonly #policy: SenderPolicy;
  readonly #cap: number;
  #network: number;
  #searching = true;
  #cleanLooks = 0;
  #queueLooks = 0;
  #grewFrom = Infinity;
  #drain = Infinity;
  #limitedBy: Limit = "start";
  #lookedAt = 0;
  #sentBytes = 0;
  #refused = 0;
  #queueMs = 0;

  /**
   * @param policy - Start, minimum, aims.
   * @param cap - Most bits per second; undefined = find out.
   */
  constructor(policy: SenderPolicy, cap: number | undefined) {
    this.#policy = policy;
    this.#cap = cap ?? RATE_MAX;
    this.#network = cap ?? policy.startRate;
    if (cap !== undefined) this.#limitedBy = "cap";
  }

  /** @returns Bits per second on the wire, now. */
  get bitsPerSecond(): number {
    return Math.max(Math.min(this.#network, this.#drain, this.#cap), this.#policy.rateMin);
  }

  /** @returns True while the rate grows fast: looks are short and want answers. */
  get searching(): boolean {
    return this.#searching && this.#limitedBy !== "cap";
  }

  /** @returns What the network alone would allow. Unit: bits per second. */
  get networkRate(): number {
    return this.#network;
  }

  /** @returns What sets the rate. */
  get limitedBy(): Limit {
    return this.#limitedBy;
  }

  /** @returns Queueing of the median held member at the last look. Unit: milliseconds. */
  get queueMs(): number {
    return this.#queueMs;
  }

  /**
   * @param wireBytes - What was sent, overheads included.
   */
  noteSent(wireBytes: number): void {
    this.#sentBytes += wireBytes;
  }

  /**
   * @param count - Datagrams that this host's kernel refused.
   */
  noteRefused(count: number): void {
    this.#refused += count;
  }

  /**
   * @param node - A member whose class changed or that ended: what it could write limits nobody
   *   any more.
   */
  forget(node: number): void {
    if (this.#limitedBy === node) this.#drain = Infinity;
  }

  /**
   * Looks at what the held members reported since the last look, when enough time has passed.
   *
   * @param held - Held members; their `queueMs` and `newDrops` begin anew.
   * @param roundTripMs - Of the group.
   * @param now - Monotonic.
   * @returns True when a look was taken: the rate may have changed.
   */
  look(held: readonly Member[], roundTripMs: number, now: number): boolean {
    const elapsedMs = now - this.#lookedAt;
    const leastMs = this.#searching ? LOOK_MS : SETTLED_LOOK_MS;
    if (elapsedMs < Math.max(leastMs, roundTripMs)) return false;
    const heard = held.filter((member) => member.queueMs !== Infinity);
    if (heard.length * 2 < held.length || heard.length === 0) {
      // Nobody has answered yet: the look waits for them, and the rate for the look.
      if (elapsedMs < 10 * LOOK_MS) return false;
    } else {
      this.#judge(heard, elapsedMs);
    }
    this.#limitByDrain(held);
    for (const member of held) {
      member.queueMs = Infinity;
      member.newDrops = 0;
    }
    this.#lookedAt = now;
    this.#sentBytes = 0;
    this.#refused = 0;
    return true;
  }

  #judge(heard: readonly Member[], elapsedMs: number): void {
    const sent = (this.#sentBytes * 8000) / elapsedMs;
    const arriving = upperMedian(
      heard.map((one) => one.receivedKiBs * KIB_BITS),
      0,
    );
    this.#queueMs = upperMedian(
      heard.map((one) => one.queueMs),
      0,
    );
    const aim = this.#policy.queueDelayMs;
    const dropping = heard.filter((one) => one.newDrops > 0).length;
    const filling = this.#queueMs > aim && arriving < ARRIVING_SHARE * sent;
    const full = this.#queueMs > QUEUE_TIMES_MAX * aim;
    const loss = -upperMedian(
      heard.map((one) => -one.loss),
      0,
    );
    const flooding = loss > FLOOD_LOSS && arriving < sent * (1 - FLOOD_LOSS);
    const flooded = flooding && this.#network > this.#policy.startRate * FLOOD_FLOOR;
    this.#queueLooks = filling || full || flooded ? this.#queueLooks + 1 : 0;
    if (this.#queueLooks === 1) this.#stepBack();
    const queueing = this.#queueLooks >= QUEUE_LOOKS;
    if (queueing || dropping > 0 || this.#refused > 0) {
      this.#congested(arriving, this.#refused > 0);
      return;
    }
    if (sent < BUSY_SHARE * this.bitsPerSecond || this.#queueMs > aim) {
      this.#cleanLooks = 0;
      return;
    }
    this.#cleanLooks += 1;
    if (this.#cleanLooks > CLEAN_LOOKS_MAX) this.#searching = true;
    const growth = this.#searching ? SEARCH_GROWTH : SETTLED_GROWTH;
    this.#grewFrom = this.#searching ? this.#network : Infinity;
    this.#network = Math.min(this.#network * growth, this.#cap);
    if (this.#network === this.#cap) this.#limitedBy = "cap";
  }

  /**
   * The first sign of a queue takes the last step of the search back; if it was nothing, the next
   * look goes on.
   */
  #stepBack(): void {
    this.#network = Math.min(this.#network, this.#grewFrom);
    this.#grewFrom = Infinity;
  }

  #congested(arriving: number, byHost: boolean): void {
    const share = this.#queueMs > 2 * this.#policy.queueDelayMs ? DRAINING_SHARE : ARRIVING_SHARE;
    const measured = arriving > 0 ? arriving * share : this.#network * BACK_OFF;
    const floor = this.#network * BACK_OFF_MOST;
    this.#network = Math.min(Math.max(floor, measured), this.#network * ARRIVING_SHARE);
    this.#network = Math.max(this.#network, this.#policy.rateMin);
    this.#searching = false;
    this.#cleanLooks = 0;
    this.#queueLooks = 0;
    this.#limitedBy = byHost ? "host" : "network";
  }

  /**
   * The slowest held member whose ring fills sets a limit, which is let go slowly when rings
   * empty.
   */
  #limitByDrain(held: readonly Member[]): void {
    let limit = Infinity;
    for (const member of held) {
      if (member.ringPercent < this.#policy.ringHigh * 100) continue;
      const known = member.drainKiBs * KIB_BITS * (member.ringPercent > 90 ? 0.8 : 1);
      const own = known > 0 ? known : this.bitsPerSecond * BACK_OFF;
      if (own >= limit) continue;
      limit = own;
      this.#limitedBy = member.node;
    }
    if (limit < this.#drain) this.#drain = limit;
    else if (limit === Infinity && this.#drain < this.#network) this.#drain *= 1.05;
    else if (limit === Infinity) this.#drain = Infinity;
  }
}
