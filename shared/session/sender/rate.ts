/**
 * How fast to send: finds the rate that the network carries, and that the held members can write.
 *
 * A full queue shows in the round trip before it shows as loss, and loss by a bad cable shows in no
 * queue. So the rate grows by a quarter per look without congestion until queueing, or a drop at a
 * full buffer, stops it. It then settles at the rate that arrives, and varies around it by a few
 * percent. Random loss at constant delay changes nothing. A held member whose ring fills sets a
 * second limit; while that limit is the lower one, nothing is learnt about the network, and the
 * network's rate stays as it is.
 */
import type { SenderPolicy } from "./policy.ts";
import { startLook } from "./members.ts";
import type { Member } from "./members.ts";
import { weightedMedian } from "./vote.ts";

/** Least time between two looks while searching. Unit: milliseconds. */
const LOOK_MS = 20;
/**
 * The same once the rate is found. The least queueing within 100 ms is the network's; more than
 * that comes from a busy host (compare CoDel, RFC 8289). Unit: milliseconds.
 */
const SETTLED_LOOK_MS = 100;
/**
 * So many members heard since the last look are enough to judge by their median: in larger groups
 * only some echo each time (nack.ts).
 */
const HEARD_ENOUGH = 8;
/**
 * Looks in a row that must see a queue: one or two may come from a process that had to wait for the
 * processor.
 */
const QUEUE_LOOKS = 3;
/**
 * Growth per clean look while searching: tenfold in a fifth of a second. One look too many at 1
 * Gbit/s queues 0.6 MB, which a switch port or a send buffer can hold.
 */
const SEARCH_GROWTH = 1.25;
/** Growth per clean look afterwards: 4 % in 100 ms is half as much again in a second. */
const SETTLED_GROWTH = 1.04;
/** After this many clean looks in a row the search starts anew: the path has become wider. */
const CLEAN_LOOKS_MAX = 5;
/**
 * If less than this share of the rate was sent, the schedule had nothing to send, and the look
 * tells nothing about the path.
 */
const BUSY_SHARE = 0.8;
/** If less than this share of what is sent arrives, a queue is filling. */
const ARRIVING_SHARE = 0.97;
/**
 * More loss than this at most members comes from a queue too short to show in the round trip, not
 * from chance. In case it is chance after all, the rate stops falling at this share of the start
 * rate.
 */
const FLOOD_LOSS = 0.25;
const FLOOD_FLOOR = 0.05;
/** While a long queue empties, we send this share of what arrives. */
const DRAINING_SHARE = 0.9;
/** Queueing of more than this many times the aim is congestion, however much arrives. */
const QUEUE_TIMES_MAX = 4;
const BACK_OFF = 0.85;
/** One look at most halves the rate: what arrives may have been measured in a pause. */
const BACK_OFF_MOST = 0.5;
/** While a member's ring is nearly full, we send this share of its speed, so that it empties. */
const EMPTYING_SHARE = 0.8;
const RING_NEARLY_FULL = 90;
/** A full ring drops what arrives. Unit: percent. */
const RING_FULL = 100;
/**
 * A member whose kernel drops datagrams slows the session only together with others, unless the
 * group is small: of five members, one alone could stop it.
 */
const DROPPING_SHARE = 0.25;
/**
 * The same for members whose rings fill and whose disks have told no speed: one hung disk among
 * many fills its ring, and nobody waits for it.
 */
const GUESSED_SHARE = 0.25;
/** Growth per look of the limit by disks while no ring fills. */
const DRAIN_GROWTH = 1.05;
/**
 * The same while no ring is even half full: the limit is out of date. A disk that had to wait for
 * something at first counts the wait as work.
 */
const DRAIN_SEARCH_GROWTH = 1.25;
const RING_HALF = 50;
/** Above any rate we expect to meet. Unit: bits per second. */
const RATE_MAX = 100e9;
/** Factor from KiB/s to bits per second. */
export const KIB_BITS = 8192;

/** What limits the rate; a number is the node whose disk does. */
export type Limit = "cap" | "network" | "host" | "start" | number;

export class RateControl {
  readonly #policy: SenderPolicy;
  readonly #cap: number;
  #network: number;
  #searching = true;
  #cleanLooks = 0;
  #queueLooks = 0;
  #grewFrom = Infinity;
  #carried = 0;
  #drain = Infinity;
  /**
   * The member that set the disk limit, and whether the limit is a guess because that disk has not
   * reported its speed.
   */
  #drainBy = 0;
  #drainGuessed = false;
  #limitedBy: Limit = "start";
  #lookedAt = 0;
  #sentBytes = 0;
  #refused = 0;
  #queueMs = 0;

  /** @param cap - Most bits per second; undefined lets the rate control find the rate. */
  constructor(policy: SenderPolicy, cap: number | undefined) {
    this.#policy = policy;
    this.#cap = cap ?? RATE_MAX;
    this.#network = cap ?? policy.startRate;
    if (cap !== undefined) this.#limitedBy = "cap";
  }

  /** @returns The current rate in bits per second on the wire. */
  get bitsPerSecond(): number {
    return Math.max(Math.min(this.#network, this.#drain, this.#cap), this.#policy.rateMin);
  }

  /** @returns True while the rate grows fast: looks are then short and need echoes. */
  get searching(): boolean {
    return this.#searching && this.#network < this.#cap && !this.#isByDrain;
  }

  /**
   * @returns The rate that the network alone allows. It never exceeds the highest rate that was
   *   seen to arrive, because the search overshoots. Unit: bits per second; 0 = nothing is known
   *   yet.
   */
  get networkRate(): number {
    return Math.min(this.#network, this.#carried);
  }

  get limitedBy(): Limit {
    return this.#isByDrain ? this.#drainBy : this.#limitedBy;
  }

  /** True while a disk is slower than the network. */
  get #isByDrain(): boolean {
    return this.#drain < this.#network;
  }

  /** @returns Queueing of the median held member at the last look. Unit: milliseconds. */
  get queueMs(): number {
    return this.#queueMs;
  }

  /** @param wireBytes - Bytes sent, overheads included. */
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
   * Drops the disk limit that a member set.
   *
   * @param node - A member whose class changed or that has ended.
   */
  forget(node: number): void {
    if (this.#drainBy === node) this.#drain = Infinity;
  }

  /**
   * Evaluates what the held members reported since the last look, if enough time has passed.
   *
   * @param held - Held members; after a look their queueing and drops are measured anew.
   * @param roundTripMs - Of the group.
   * @returns True if a look was taken: the rate may have changed.
   */
  look(held: readonly Member[], roundTripMs: number, now: number): boolean {
    const elapsedMs = now - this.#lookedAt;
    const leastMs = this.#searching ? LOOK_MS : SETTLED_LOOK_MS;
    if (elapsedMs < Math.max(leastMs, roundTripMs)) return false;
    const heard = held.filter((member) => member.queueMs !== Infinity);
    if (heard.length === 0 || heard.length < Math.min(held.length / 2, HEARD_ENOUGH)) {
      // Too few members have answered: the look waits for them, and the rate stays until the look.
      if (elapsedMs < 10 * LOOK_MS) return false;
    } else {
      this.#judge(heard, elapsedMs);
    }
    this.#limitByDrain(held);
    startLook(held, now);
    this.#lookedAt = now;
    this.#sentBytes = 0;
    this.#refused = 0;
    return true;
  }

  #judge(heard: readonly Member[], elapsedMs: number): void {
    const sent = (this.#sentBytes * 8000) / elapsedMs;
    const arriving = weightedMedian(heard, (one) => one.receivedKiBs * KIB_BITS, 0);
    this.#carried = Math.max(this.#carried, arriving);
    this.#queueMs = weightedMedian(heard, (one) => one.queueMs, 0);
    const aim = this.#policy.queueDelayMs;
    const dropping = shareOf(heard, (one) => one.newDrops > 0);
    const filling = this.#queueMs > aim && arriving < ARRIVING_SHARE * sent;
    const full = this.#queueMs > QUEUE_TIMES_MAX * aim;
    const loss = -weightedMedian(heard, (one) => -one.loss, 0);
    const flooding = loss > FLOOD_LOSS && arriving < sent * (1 - FLOOD_LOSS);
    const flooded = flooding && this.bitsPerSecond > this.#policy.startRate * FLOOD_FLOOR;
    // What is sent since the step back may be just what arrives: the queue then neither grows nor
    // empties.
    const standing = this.#searching && this.#queueLooks > 0 && this.#queueMs > aim;
    const queued = filling || full || flooded || standing;
    this.#queueLooks = queued ? this.#queueLooks + 1 : 0;
    if (this.#queueLooks === 1) this.#stepBack(arriving);
    const queueing = this.#queueLooks >= QUEUE_LOOKS;
    if (queueing || dropping >= DROPPING_SHARE || this.#refused > 0) {
      this.#congested(arriving, this.#refused > 0);
      return;
    }
    const busy = sent >= BUSY_SHARE * this.bitsPerSecond;
    if (this.#isByDrain || !busy || this.#queueMs > aim) {
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
   * The first sign of a queue undoes the last step of the search, and as much of the step before as
   * did not arrive. If the sign was a false alarm, the next look goes on.
   */
  #stepBack(arriving: number): void {
    const back = Math.max(this.#grewFrom / SEARCH_GROWTH, Math.min(arriving, this.#grewFrom));
    this.#network = Math.min(this.#network, back);
    this.#grewFrom = Infinity;
  }

  #congested(arriving: number, byHost: boolean): void {
    const share = this.#queueMs > 2 * this.#policy.queueDelayMs ? DRAINING_SHARE : ARRIVING_SHARE;
    const present = this.bitsPerSecond;
    const measured = arriving > 0 ? arriving * share : present * BACK_OFF;
    const floor = present * BACK_OFF_MOST;
    this.#network = Math.min(Math.max(floor, measured), present * ARRIVING_SHARE);
    this.#network = Math.max(this.#network, this.#policy.rateMin);
    this.#searching = false;
    this.#cleanLooks = 0;
    this.#queueLooks = 0;
    this.#limitedBy = byHost ? "host" : "network";
  }

  /**
   * The slowest held member whose ring fills sets a limit, which is raised slowly when rings empty.
   */
  #limitByDrain(held: readonly Member[]): void {
    let limit = Infinity;
    let by: Member | undefined;
    let guess: number | undefined;
    const unknown = shareOf(held, (one) => one.drainKiBs === 0 && this.#fills(one));
    for (const member of held) {
      if (!this.#fills(member)) continue;
      if (member.drainKiBs === 0 && unknown < GUESSED_SHARE) continue;
      const known = member.drainKiBs * KIB_BITS;
      const share = member.ringPercent > RING_NEARLY_FULL ? EMPTYING_SHARE : 1;
      const own = known > 0 ? known * share : (guess ??= this.#guess(held));
      if (own >= limit) continue;
      limit = Math.max(own, this.#policy.rateMin);
      by = member;
    }
    if (by === undefined) {
      this.#letGo(held);
    } else if (limit < this.#drain || this.#drainGuessed) {
      this.#drain = limit;
      this.#drainBy = by.node;
      this.#drainGuessed = by.drainKiBs === 0;
    }
  }

  #fills(member: Member): boolean {
    return member.ringPercent >= this.#policy.ringHigh * 100;
  }

  /**
   * The rate while a ring fills whose disk has not finished anything yet. One such disk slows the
   * others no further than the slowest held member would. If all members wait (for permission to
   * write, say), anything beyond the room in their rings would have to be sent again.
   */
  #guess(held: readonly Member[]): number {
    const slower = this.bitsPerSecond * BACK_OFF;
    if (!held.every((one) => one.drainKiBs === 0 && this.#fills(one))) {
      const knowing = held.filter((one) => one.drainKiBs > 0);
      const drain = weightedMedian(knowing, (one) => one.drainKiBs * KIB_BITS, Infinity);
      const pace = Math.min(drain, this.#network);
      return Math.max(slower, this.#policy.heldShare * pace);
    }
    const full = held.every((one) => one.ringPercent >= RING_FULL);
    return full ? this.#policy.rateMin : slower;
  }

  /**
   * No ring fills: the limit grows from what the slowest disk is known to write until it exceeds
   * the network's rate. A limit that was only a guess is dropped.
   */
  #letGo(held: readonly Member[]): void {
    const drains = drainsOf(held);
    const unknown = this.#drainGuessed ? Infinity : 0;
    const safe = drains.length > 0 ? Math.min(...drains) * EMPTYING_SHARE : unknown;
    const roomy = held.every((one) => one.ringPercent < RING_HALF);
    const grown = Math.max(this.#drain * (roomy ? DRAIN_SEARCH_GROWTH : DRAIN_GROWTH), safe);
    this.#drain = grown < this.#network ? grown : Infinity;
    this.#drainGuessed = false;
  }
}

/** The write speeds of the members that know theirs. Unit: bits per second. */
function drainsOf(members: readonly Member[]): number[] {
  return members.filter((one) => one.drainKiBs > 0).map((one) => one.drainKiBs * KIB_BITS);
}

/** The share of the votes for which something holds, 0 .. 1. */
function shareOf(members: readonly Member[], holds: (member: Member) => boolean): number {
  let [yes, all] = [0, 0];
  for (const member of members) {
    all += member.vote;
    if (holds(member)) yes += member.vote;
  }
  return all === 0 ? 0 : yes / all;
}
