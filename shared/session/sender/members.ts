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
import type { MemberState } from "./contract.ts";
import { Allowance } from "./allowance.ts";
import { RING_HALF, compare } from "./compare.ts";
import { MemberBudget } from "./member-budget.ts";
import { isOvertaken } from "./overtaken.ts";
import { shares } from "./vote.ts";
import type { MemberClass, SenderPolicy } from "./policy.ts";

/**
 * A shed member becomes held again after this long without a cause for shedding. The time doubles
 * whenever it is shed once more, so that a member that comes and goes slows the others ever more
 * rarely. Unit: milliseconds.
 */
const REHABILITATION_MS = 2000;
const REHABILITATION_DOUBLINGS = 5;
/**
 * A member's messages come from the address of its first one. It may have moved (a lease, another
 * interface) if the old address was silent for this long, which is four of its reports. Unit:
 * milliseconds.
 */
const MOVED_MS = 2000;
/** A receiver answers each SYNC once, and there are at most a hundred in a second. */
const MESSAGES_PER_SECOND = 250;
const MESSAGES_AT_ONCE = 250;
/** Weight of a new sample in the smoothed round trip (RFC 6298 section 2 uses one eighth, too). */
const ROUND_TRIP_WEIGHT = 0.125;
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
  /** How often it was shed. */
  sheds: number;
  /** Its share of its address's vote: one address has one vote, however many members it has. */
  vote: number;
  /** How many messages we read. */
  readonly messages: Allowance;
  /** How many symbols its NACKs may make us send. */
  readonly budget: MemberBudget;
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
  readonly #byAddress = new Map<string, number>();
  #medianLoss = 0;

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

  /** @returns Members that ever joined from an address. */
  countAt(address: string): number {
    return this.#byAddress.get(address) ?? 0;
  }

  /**
   * Tells whether to read a message under a member's number: it must come from the member's
   * address, and not be one of a flood.
   */
  accepts(member: Member, remote: Endpoint, now: number): boolean {
    const known = member.remote;
    const moved = known.address !== remote.address || known.port !== remote.port;
    if (moved && now - member.heardAt < MOVED_MS) return false;
    return member.messages.take(1, now);
  }

  /** Notes that symbols were sent in order: members may ask for the share they can have lost. */
  sentInOrder(symbols: number): void {
    const { shedLoss } = this.#policy;
    for (const member of this.#byNode.values()) {
      if (member.state !== "active") continue;
      const most = shedLoss + 2 * this.#medianLoss;
      member.budget.grow(symbols, Math.min(member.loss, most), member.vote);
    }
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
      this.#byAddress.set(remote.address, this.countAt(remote.address) + 1);
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
    shares(active);
    const { medianLoss, causes } = compare(active, { stuck, paceKiBs, policy: this.#policy });
    this.#medianLoss = medianLoss;
    const changed: Member[] = [];
    for (const member of active) {
      const cause = causes.has(member) || member.budget.spent;
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
      (member) => member.fullSince === Infinity || now - finishedAt(member) < stuckMs,
    );
    if (!moves) this.#stillAt = now;
    return new Set(
      active.filter(
        (member) => now - Math.max(member.fullSince, finishedAt(member), this.#stillAt) >= stuckMs,
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
    member.sheds += 1;
    return true;
  }
  const doublings = Math.min(Math.max(member.sheds - 1, 0), REHABILITATION_DOUBLINGS);
  if (member.as === "shed" && now - member.clearSince >= REHABILITATION_MS * 2 ** doublings) {
    member.as = "held";
    return true;
  }
  return false;
}

/** A disk that has finished a chunk knows its speed; else its member only claims progress. */
function finishedAt({ drainKiBs, progressAt }: Member): number {
  return drainKiBs > 0 ? progressAt : -Infinity;
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
    sheds: 0,
    vote: 1,
    messages: new Allowance(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE),
    budget: new MemberBudget(),
  };
}
