/**
 * Who takes part, how each fares, and what each lacks as a whole.
 *
 * A member is what its messages last said; nothing is kept about it that another message could not
 * correct. Classes compare a member with the median, so that one slow or lossy node never sets the
 * pace alone: held, the session slows down for it; shed, it catches what it can (protocol page
 * 1.10).
 */
import type { Endpoint } from "../../core/engine.ts";
import type { Range } from "../../core/ranges.ts";
import type { Nack } from "../../wire/nack.ts";
import type { Report } from "../../wire/report.ts";
import type { MemberState, MemberStats } from "./contract.ts";
import type { MemberClass, SenderPolicy } from "./policy.ts";

/** A shed member is held again after this long without cause. Unit: milliseconds. */
const REHABILITATION_MS = 2000;
/** Smoothing of round trips (RFC 6298 section 2 uses the same eighth). */
const ROUND_TRIP_WEIGHT = 0.125;
/** Reordering reaches back this far. Unit: messages; milliseconds. */
const OVERTAKEN_MAX = 64;
const OVERTAKEN_MS = 1000;
/** A base round trip is believed for this long; paths change. Unit: milliseconds. */
const BASE_LIFE_MS = 30_000;
/**
 * A longer round trip counts as this one: questions and looks at the rate wait for the group's, and
 * one answer that was held up on its way, or is forged, must not stop them. Unit: milliseconds.
 */
const ROUND_TRIP_MAX_MS = 2000;
/**
 * A member's own base counts after this many answers; before, they may all have stood in a queue,
 * and in a group of hundreds they take seconds to come.
 */
const BASE_ANSWERS = 4;
/** A SYNC carries its moment rounded down to this. Unit: milliseconds. */
const CLOCK_UNIT_MS = 0.001;
/** From here on a ring fills because its disk does not keep up. Unit: percent. */
const RING_HALF = 50;

/** One member. */
export interface Member {
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
  /** Since when its ring is at least half full; Infinity = it is not. */
  fullSince: number;
  receivedKiBs: number;
  /** Kernel drops it reported, and those since the rate control looked last. */
  kernelDrops: number;
  newDrops: number;
  /** Exact description of what it lacks within [from, to). */
  from: number;
  to: number;
  ranges: readonly Range[];
  describedAt: number;
  /** Number of its latest report. */
  reportSeq: number;
  /**
   * Round trip without queues, since when and by how many answers; smoothed round trip; least
   * queueing since the rate control looked last.
   */
  baseMs: number;
  baseAt: number;
  answers: number;
  roundTripMs: number;
  queueMs: number;
  /** When that was. */
  lookedAt: number;
  /** Since when it has given cause to be shed, or to be held again. */
  causeSince: number;
  clearSince: number;
}

/** Where a report came from. */
export interface ReportOrigin {
  readonly remote: Endpoint;
  /** Its number in the receiver's own count. */
  readonly seq: number;
}

/** The members of a session. */
export class Members {
  readonly #byNode = new Map<number, Member>();
  readonly #policy: SenderPolicy;
  /** When last no active member got any further: they wait for the same thing. */
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

  /** @returns The member, if there is one. */
  get(node: number): Member | undefined {
    return this.#byNode.get(node);
  }

  /**
   * Takes a report; the first of a node makes it a member.
   *
   * @returns The member, or undefined when there are too many or a later report overtook this one.
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

  /** Takes the telemetry of a NACK. */
  hear(member: Member, nack: Nack, now: number): void {
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
    // What was asked before the rate changed tells nothing of the rate that is now.
    const askedAt = now - nack.hold100us / 10 - roundTripMs;
    const isFresh = askedAt > member.lookedAt + CLOCK_UNIT_MS;
    if (isFresh) member.queueMs = Math.min(member.queueMs, sampleMs - baseMs);
    noteRoundTrip(member, sampleMs);
  }

  /**
   * Compares the active members and changes classes.
   *
   * @param paceKiBs - What the network carries, without regard to slow members. Unit: KiB/s.
   * @returns Members whose class changed.
   */
  classify(paceKiBs: number, now: number): Member[] {
    const active = this.active();
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
    // Those who are left set the pace: compared with one another, not with those who are done.
    for (const member of active) {
      if (member.causeSince !== Infinity) continue;
      member.as = "held";
      changed.push(member);
    }
    return changed;
  }

  /**
   * Finds the members whose rings fill while their disks finish nothing. They are so in comparison
   * with others only: a group that waits as a whole (for leave to write, say) is left as it is, and
   * the time begins when the first of it gets further.
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
   * @returns The largest round trip of the members that are waited for: those that are held, or
   *   all active ones when none is; or a guess. Unit: milliseconds.
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

/**
 * The middle value; of two middle ones the greater.
 *
 * @param values - In any order; sorted in place.
 * @param none - Result for no values.
 */
export function upperMedian(values: number[], none: number): number {
  values.sort((left, right) => left - right);
  return values[Math.floor(values.length / 2)] ?? none;
}

/**
 * A report that a later one overtook on the way; a receiver that started again counts from 0, but
 * not so soon.
 */
function isOvertaken(member: Member, seq: number, now: number): boolean {
  const behind = (member.reportSeq - seq) | 0;
  return behind > 0 && behind < OVERTAKEN_MAX && now - member.describedAt < OVERTAKEN_MS;
}

/** @returns True when the class changed. */
function changeClass(member: Member, cause: boolean, now: number): boolean {
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

function noteRing(member: Member, percent: number, now: number): void {
  member.ringPercent = percent;
  member.fullSince = percent < RING_HALF ? Infinity : Math.min(member.fullSince, now);
}

function noteBase(base: Pick<Member, "baseMs" | "baseAt">, sampleMs: number, now: number): void {
  if (sampleMs > base.baseMs && now - base.baseAt <= BASE_LIFE_MS) return;
  base.baseMs = sampleMs;
  base.baseAt = now;
}

function noteRoundTrip(member: Member, roundTripMs: number): void {
  if (member.roundTripMs === 0) member.roundTripMs = roundTripMs;
  else if (roundTripMs > member.roundTripMs) member.roundTripMs = roundTripMs;
  else member.roundTripMs += (roundTripMs - member.roundTripMs) * ROUND_TRIP_WEIGHT;
}

function newMember(node: number, remote: Endpoint, now: number): Member {
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

/** @returns What the world may know of it. */
export function memberStats(member: Member): MemberStats {
  const { node, remote, state, chunksDone, lacking, loss, drainKiBs, ringPercent } = member;
  return { node, remote, state, as: member.as, chunksDone, lacking, loss, drainKiBs, ringPercent };
}
