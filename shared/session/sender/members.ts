/**
 * The members of a session: how each is doing, and which whole chunks each lacks.
 *
 * A member's state is what its latest messages said; nothing is kept that a later message could not
 * correct. Classes compare a member with the median, so that one slow or lossy node never sets the
 * pace alone. The session slows down for a held member; a shed one catches what it can (protocol
 * page 1.10).
 */
import type { Endpoint } from "../../core/engine.ts";
import type { Range } from "../../core/ranges.ts";
import type { Nack } from "../../wire/nack.ts";
import type { Report } from "../../wire/report.ts";
import type { MemberState, MemberStats } from "./contract.ts";
import type { MemberClass, SenderPolicy } from "./policy.ts";

/**
 * A shed member becomes held again after this long without a cause for shedding. Unit:
 * milliseconds.
 */
const REHABILITATION_MS = 2000;
/** Weight of a new sample in the smoothed round trip (RFC 6298 section 2 uses one eighth, too). */
const ROUND_TRIP_WEIGHT = 0.125;
/**
 * A report counts as overtaken if it is at most this many messages, and this many milliseconds,
 * behind.
 */
const OVERTAKEN_MAX = 64;
const OVERTAKEN_MS = 1000;
/** A base round trip is valid for this long, because paths change. Unit: milliseconds. */
const BASE_LIFE_MS = 30_000;
/**
 * Longer round trips count as this one. SYNCs and the rate control wait for the round trip of the
 * group, and one delayed or forged answer must not stop them. Unit: milliseconds.
 */
const ROUND_TRIP_MAX_MS = 2000;
/**
 * A member's own base round trip is used after this many answers. Before, all of them may have been
 * queued; in a group of hundreds they take seconds to arrive.
 */
const BASE_ANSWERS = 4;
/** A SYNC carries its time rounded down to this. Unit: milliseconds. */
const CLOCK_UNIT_MS = 0.001;
/** From here on we take a ring to fill because its disk does not keep up. Unit: percent. */
const RING_HALF = 50;

/** One member, as this file writes it. */
interface MemberRecord {
  readonly node: number;
  remote: Endpoint;
  state: MemberState;
  as: MemberClass;
  heardAt: number;
  progressAt: number;
  chunksDone: number;
  lacking: number;
  loss: number;
  /** Unit: KiB/s; 0 = not known. */
  drainKiBs: number;
  ringPercent: number;
  /** Since when its ring has been at least half full; Infinity = it is not. */
  fullSince: number;
  receivedKiBs: number;
  /** Kernel drops it reported in all, and those since the rate control looked last. */
  kernelDrops: number;
  newDrops: number;
  /** Exact description of the chunks it lacks within [from, to). */
  from: number;
  to: number;
  ranges: readonly Range[];
  describedAt: number;
  /** Sequence number of its latest report. */
  reportSeq: number;
  /**
   * Round trip without queueing, since when and from how many answers; smoothed round trip; least
   * queueing since the rate control looked last.
   */
  baseMs: number;
  baseAt: number;
  answers: number;
  roundTripMs: number;
  queueMs: number;
  /** When the rate control looked last. */
  lookedAt: number;
  /** Since when it has met the condition to be shed, or the condition to be held again. */
  causeSince: number;
  clearSince: number;
}

/** One member. Only the functions of this file change it. */
export type Member = Readonly<MemberRecord>;

type BaseRoundTrip = Pick<MemberRecord, "baseMs" | "baseAt">;

/** Sender of a report. */
export interface ReportOrigin {
  readonly remote: Endpoint;
  /** Sequence number in the receiver's own count. */
  readonly seq: number;
}

export class Members {
  readonly #byNode = new Map<number, MemberRecord>();
  readonly #policy: SenderPolicy;
  /** The last time at which no active member made progress: then all wait for the same thing. */
  #stillAt = -Infinity;
  /** Least round trip of any member, and when it was seen. */
  readonly #base = { baseMs: Infinity, baseAt: -Infinity };

  constructor(policy: SenderPolicy) {
    this.#policy = policy;
  }

  /** @returns All members ever seen, in order of joining. */
  all(): IterableIterator<Member> {
    return this.#byNode.values();
  }

  /** @returns Members ever seen. */
  get count(): number {
    return this.#byNode.size;
  }

  /** @returns Members that are neither done nor gone. */
  active(): Member[] {
    return [...this.#byNode.values()].filter((member) => member.state === "active");
  }

  get(node: number): Member | undefined {
    return this.#byNode.get(node);
  }

  /**
   * Applies a report; the first report of a node makes it a member.
   *
   * @returns The member, or undefined if there are too many members, or if a later report overtook
   *   this one.
   */
  report(report: Report, origin: ReportOrigin, now: number): Member | undefined {
    const { remote, seq } = origin;
    let member = this.#byNode.get(report.node);
    if (member === undefined) {
      if (this.#byNode.size >= this.#policy.membersMax) return undefined;
      member = newMember(report.node, remote, now);
      this.#byNode.set(report.node, member);
    } else if (isOvertaken(member, seq, now)) {
      return undefined;
    }
    member.reportSeq = seq;
    if (member.chunksDone !== report.chunksDone || member.lacking !== report.lacking) {
      member.progressAt = now;
    }
    member.remote = remote;
    member.heardAt = now;
    member.chunksDone = report.chunksDone;
    member.lacking = report.lacking;
    member.loss = report.netLossQ16 / 65536;
    member.drainKiBs = report.drainKiBs;
    noteRing(member, report.ringPercent, now);
    member.from = report.from;
    member.to = report.to;
    member.ranges = report.ranges;
    member.describedAt = now;
    return member;
  }

  /** Notes that a member takes part, or how it ended. */
  setState(node: number, state: MemberState): void {
    const member = this.#byNode.get(node);
    if (member !== undefined) member.state = state;
  }

  /** Applies the telemetry that a member's NACK carries. */
  hear(nack: Nack, now: number): void {
    const member = this.#byNode.get(nack.node);
    if (member === undefined) return;
    member.heardAt = now;
    member.loss = nack.netLossQ16 / 65536;
    member.drainKiBs = nack.drainKiBs;
    noteRing(member, nack.ringPercent, now);
    member.receivedKiBs = nack.receivedKiBs;
    member.newDrops += (nack.kernelDrops - member.kernelDrops) & 0xffff;
    member.kernelDrops = nack.kernelDrops;
    const nowUs = Math.floor(now * 1000) % 2 ** 32;
    const roundTripMs = ((nowUs - nack.tUsEcho) >>> 0) / 1000 - nack.hold100us / 10;
    const sampleMs = Math.min(Math.max(roundTripMs, 0), ROUND_TRIP_MAX_MS);
    noteBase(this.#base, sampleMs, now);
    noteBase(member, sampleMs, now);
    member.answers += 1;
    const { baseMs } = member.answers > BASE_ANSWERS ? member : this.#base;
    // An answer to a question from before the rate change tells nothing about the new rate.
    const askedAt = now - nack.hold100us / 10 - roundTripMs;
    const isFresh = askedAt > member.lookedAt + CLOCK_UNIT_MS;
    if (isFresh) member.queueMs = Math.min(member.queueMs, sampleMs - baseMs);
    noteRoundTrip(member, sampleMs);
  }

  /**
   * Compares the active members with one another and updates their classes.
   *
   * @param paceKiBs - What the network carries, not counting limits by slow members. Unit: KiB/s.
   * @returns Members whose class changed.
   */
  classify(paceKiBs: number, now: number): Member[] {
    const active: MemberRecord[] = this.active();
    const stuck = this.#stuck(active, now);
    const medianLoss =
      upperMedian(
        active.map((member) => -member.loss),
        0,
      ) * -1;
    const capacities = active.map((one) => {
      if (stuck.has(one)) return 0;
      return one.drainKiBs === 0 ? Infinity : one.drainKiBs;
    });
    const drain = Math.min(upperMedian(capacities, Infinity), paceKiBs);
    const received = upperMedian(
      active.map((member) => member.receivedKiBs),
      0,
    );
    const share = this.#policy.heldShare;
    const changed: Member[] = [];
    for (const member of active) {
      const lossy = member.loss > this.#policy.shedLoss + 2 * medianLoss;
      const slow =
        member.drainKiBs > 0 && member.drainKiBs < share * drain && member.ringPercent >= RING_HALF;
      const choked = member.newDrops > 0 && member.receivedKiBs < share * received;
      const cause = lossy || slow || choked || stuck.has(member);
      if (changeClass(member, cause, now)) changed.push(member);
    }
    if (active.some((member) => member.as === "held")) return changed;
    // The members that are still active set the pace: they are compared with one another, not with
    // members that are done.
    for (const member of active) {
      if (member.causeSince !== Infinity) continue;
      member.as = "held";
      changed.push(member);
    }
    return changed;
  }

  /**
   * Finds the members whose rings fill while their disks finish nothing. This is judged against the
   * other members only: if the whole group waits (for permission to write, say), nobody is stuck,
   * and the time counts from when the first member makes progress.
   */
  #stuck(active: readonly Member[], now: number): ReadonlySet<Member> {
    const { stuckMs } = this.#policy;
    const moves = active.some(
      ({ fullSince, progressAt }) => fullSince === Infinity || now - progressAt < stuckMs,
    );
    if (!moves) this.#stillAt = now;
    return new Set(
      active.filter(
        ({ fullSince, progressAt }) =>
          now - Math.max(fullSince, progressAt, this.#stillAt) >= stuckMs,
      ),
    );
  }

  /**
   * @returns The largest round trip of the held members, of all active ones if none is held, or a
   *   guess if nothing is known. Unit: milliseconds.
   */
  groupRoundTripMs(): number {
    let [held, all] = [0, 0];
    for (const member of this.#byNode.values()) {
      if (member.state !== "active") continue;
      all = Math.max(all, member.roundTripMs);
      if (member.as === "held") held = Math.max(held, member.roundTripMs);
    }
    const largest = held === 0 ? all : held;
    return largest === 0 ? 10 : largest;
  }
}

/** Starts the next look: queueing and drops of the members count from now on. */
export function startLook(members: readonly Member[], now: number): void {
  const records: readonly MemberRecord[] = members;
  for (const member of records) {
    member.queueMs = Infinity;
    member.newDrops = 0;
    member.lookedAt = now;
  }
}

/**
 * The median; of two middle values the greater.
 *
 * @param values - In any order; sorted in place.
 * @param none - Result if there are no values.
 */
export function upperMedian(values: number[], none: number): number {
  values.sort((left, right) => left - right);
  return values[Math.floor(values.length / 2)] ?? none;
}

/**
 * True if a later report overtook this one on the way. A receiver that restarts counts from 0
 * again, but a restart takes longer than reordering.
 */
function isOvertaken(member: Member, seq: number, now: number): boolean {
  const behind = (member.reportSeq - seq) | 0;
  return behind > 0 && behind < OVERTAKEN_MAX && now - member.describedAt < OVERTAKEN_MS;
}

/** @returns True when the class changed. */
function changeClass(member: MemberRecord, cause: boolean, now: number): boolean {
  if (cause) {
    member.clearSince = Infinity;
    member.causeSince = Math.min(member.causeSince, now);
  } else {
    member.causeSince = Infinity;
    member.clearSince = Math.min(member.clearSince, now);
  }
  if (member.as === "held" && cause) {
    member.as = "shed";
    return true;
  }
  if (member.as === "shed" && now - member.clearSince >= REHABILITATION_MS) {
    member.as = "held";
    return true;
  }
  return false;
}

function noteRing(member: MemberRecord, percent: number, now: number): void {
  member.ringPercent = percent;
  member.fullSince = percent < RING_HALF ? Infinity : Math.min(member.fullSince, now);
}

function noteBase(base: BaseRoundTrip, sampleMs: number, now: number): void {
  if (sampleMs > base.baseMs && now - base.baseAt <= BASE_LIFE_MS) return;
  base.baseMs = sampleMs;
  base.baseAt = now;
}

function noteRoundTrip(member: MemberRecord, roundTripMs: number): void {
  if (member.roundTripMs === 0) member.roundTripMs = roundTripMs;
  else if (roundTripMs > member.roundTripMs) member.roundTripMs = roundTripMs;
  else member.roundTripMs += (roundTripMs - member.roundTripMs) * ROUND_TRIP_WEIGHT;
}

function newMember(node: number, remote: Endpoint, now: number): MemberRecord {
  return {
    node,
    remote,
    state: "active",
    as: "held",
    heardAt: now,
    progressAt: now,
    chunksDone: -1,
    lacking: 0,
    loss: 0,
    drainKiBs: 0,
    ringPercent: 0,
    fullSince: Infinity,
    receivedKiBs: 0,
    kernelDrops: 0,
    newDrops: 0,
    from: 0,
    to: 0,
    ranges: [],
    describedAt: -Infinity,
    reportSeq: 0,
    baseMs: Infinity,
    baseAt: now,
    answers: 0,
    roundTripMs: 0,
    queueMs: Infinity,
    lookedAt: -Infinity,
    causeSince: Infinity,
    clearSince: Infinity,
  };
}

/** @returns The part of the member that `stats` shows. */
export function memberStats(member: Member): MemberStats {
  const { node, remote, state, chunksDone, lacking, loss, drainKiBs, ringPercent } = member;
  return { node, remote, state, as: member.as, chunksDone, lacking, loss, drainKiBs, ringPercent };
}
