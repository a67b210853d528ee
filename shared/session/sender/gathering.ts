/**
 * Before streaming: announcements, the probe series, and the decision to start.
 *
 * A session starts when enough members have joined and the minimum wait is over, at once when it is
 * full, and in any case after the maximum wait (udpcast's min-receivers, min-wait and max-wait).
 * Each member sees a series of probes that starts after it joined, so that it knows before
 * streaming starts whether datagrams of full length reach it. A member that joins later learns that
 * from the data itself.
 */
import type { Announce } from "../../wire/announce.ts";
import { START_UNKNOWN } from "../../wire/announce.ts";
import { probeMessage } from "../../wire/probe.ts";
import { COUNT_UNKNOWN } from "../../wire/sync.ts";
import type { SenderOptions } from "./contract.ts";
import type { Outbox } from "./outbox.ts";
import type { SenderPolicy } from "./policy.ts";

/**
 * First reports are spread over this time per expected member: 4000 reports a second are no load.
 * Unit: milliseconds.
 */
const SPREAD_PER_MEMBER_MS = 0.25;
const SPREAD_MIN_MS = 2;
const SPREAD_MAX_MS = 500;
const U16_MAX = 65_535;

/** The part of an announcement that changes during the session. */
export interface AnnouncedState {
  readonly streaming: boolean;
  readonly chunkCount: number | undefined;
  readonly members: number;
}

/** The state of a session before it streams. */
export class Gathering {
  readonly #options: SenderOptions;
  readonly #policy: SenderPolicy;
  #since = 0;
  #announceAt = 0;
  #series = 0;
  #probesSent: number;
  #probeAt = Infinity;
  #members = 0;
  #enough: number;
  #full: number;
  /** Members known when the latest probe series started. */
  #probedMembers = 0;

  constructor(options: SenderOptions, policy: SenderPolicy) {
    this.#options = options;
    this.#policy = policy;
    this.#probesSent = policy.probeCount;
    this.#enough = options.start.membersMin;
    this.#full = options.start.membersMax;
  }

  /** Starts with so many members from now on: some that were expected cannot come, or more can. */
  expect(members: number): void {
    this.#enough = this.#full = Math.max(members, 1);
  }

  /** @returns When the next announcement is due. */
  get announceAt(): number {
    return this.#announceAt;
  }

  begin(now: number): void {
    this.#since = now;
    this.#announceAt = now;
  }

  /**
   * Decides whether to start, and starts a probe series when members are new.
   *
   * @param members - Active members.
   * @param known - All members that ever joined.
   * @returns "nobody" if the maximum wait is over and no member is active.
   */
  judge(members: number, known: number, now: number): "start" | "wait" | "nobody" {
    const { waitMinMs, waitMaxMs } = this.#options.start;
    const waited = now - this.#since;
    this.#members = members;
    const isTime = waited < waitMaxMs || (this.#series === 0 && waited < this.#firstMemberMs);
    if (known > this.#probedMembers && !this.#probing && isTime) {
      this.#series += 1;
      this.#probesSent = 0;
      this.#probeAt = now;
      this.#probedMembers = known;
    }
    if (members === 0) return waited >= this.#firstMemberMs ? "nobody" : "wait";
    const full = members >= this.#full;
    const enough = members >= this.#enough && waited >= waitMinMs;
    return (full || enough || waited >= waitMaxMs) && !this.#probing ? "start" : "wait";
  }

  /** Writes the probes that are due. */
  probe(outbox: Outbox, now: number): void {
    const { probeCount, probeMs } = this.#policy;
    while (this.#probing && now >= this.#probeAt) {
      const probe = { index: this.#probesSent, count: probeCount, series: this.#series };
      if (!outbox.send(probeMessage(probe, this.#options.symbolBytes))) return;
      this.#probesSent += 1;
      this.#probeAt += probeMs / probeCount;
    }
  }

  /** @returns When the next announcement, probe or decision is due. */
  nextWakeup(): number {
    return Math.min(this.#announceAt, this.#probing ? this.#probeAt : this.#startsAt);
  }

  /** When the members there are begin, or the wait for a first one is over. */
  get #startsAt(): number {
    const { waitMinMs, waitMaxMs } = this.#options.start;
    if (this.#members === 0) return this.#since + this.#firstMemberMs;
    return this.#since + (this.#members >= this.#enough ? waitMinMs : waitMaxMs);
  }

  get #firstMemberMs(): number {
    const { waitMaxMs, firstMemberMs = 0 } = this.#options.start;
    return Math.max(waitMaxMs, firstMemberMs);
  }

  get #probing(): boolean {
    return this.#probesSent < this.#policy.probeCount;
  }

  announcement(moment: AnnouncedState, now: number): Announce {
    const { symbolBytes, kind, recordBytesMax, feedbackPort, imageId, start } = this.#options;
    const left = moment.streaming ? 0 : this.#since + start.waitMaxMs - now;
    const spread = start.membersMin * SPREAD_PER_MEMBER_MS;
    return {
      symbolBytes,
      kind,
      state: moment.streaming ? "streaming" : "gathering",
      chunkCount: moment.chunkCount ?? COUNT_UNKNOWN,
      recordBytesMax,
      feedbackPort,
      reportSpreadMs: Math.ceil(Math.min(Math.max(spread, SPREAD_MIN_MS), SPREAD_MAX_MS)),
      membersMin: Math.min(start.membersMin, U16_MAX),
      members: Math.min(moment.members, U16_MAX),
      startsInMs: left < START_UNKNOWN ? Math.max(Math.round(left), 0) : START_UNKNOWN,
      imageId,
    };
  }

  /** Schedules the next announcement after one was sent. */
  announced(streaming: boolean, now: number): void {
    const { announceStreamingMs, announceGatheringMs } = this.#policy;
    this.#announceAt = now + (streaming ? announceStreamingMs : announceGatheringMs);
  }
}
