/**
 * SYNC and ADV: when the sender asks, what about, and what it repeats of the answers.
 *
 * A SYNC is due when blocks wait to be asked about, when there is nothing else to send, or when the
 * rate control wants an echo; its number is the sender's clock for repairs. ADV repeats the largest
 * deficits heard, so that others keep silent. Answers themselves: repair.ts.
 */
import { Flag } from "../../wire/header.ts";
import { COUNT_UNKNOWN } from "../../wire/sync.ts";
import { SyncSchedule } from "./sync-schedule.ts";
import type { Block } from "./chunk-cache.ts";
import type { Outbox } from "./outbox.ts";
import type { SenderPolicy } from "./policy.ts";
import type { RateControl } from "./rate.ts";
import type { Repairs } from "./repair.ts";
import type { Schedule } from "./schedule.ts";

/** ADV repeats what was heard this often while answers come. Unit: milliseconds. */
const ADV_MS = 2;
/** Fewer members than this hear no ADV: there is nobody to silence. */
const ADV_MEMBERS = 3;
/** Answers of N members are spread over this many milliseconds per doubling of N. */
const BACKOFF_PER_DOUBLING_MS = 1.5;
const BACKOFF_MAX_MS = 20;
/** Reports of all who lack are asked for this often, and seldomer with many. Unit: milliseconds. */
const ASK_REPORTS_MS = 40;
const ASK_REPORTS_PER_MEMBER_MS = 0.5;
/**
 * Echoes while the rate is searched, when it is found, and when a cap sets it. Unit: milliseconds.
 */
const ECHO_SEARCHING_MS = 10;
const ECHO_MS = 20;
const ECHO_CAPPED_MS = 100;
const PASS_MAX = 255;
const U16_MAX = 65_535;
/** KiB/s per bit per second. */
const KIB_BITS = 8192;

/** What questions are made from. */
export interface SyncMessageParts {
  readonly policy: SenderPolicy;
  readonly outbox: Outbox;
  readonly schedule: Schedule;
  readonly repairs: Repairs;
  readonly rate: RateControl;
}

/** What a SYNC tells of the group. */
export interface GroupState {
  /** Active members. */
  readonly members: number;
  /** Largest round trip. Unit: milliseconds. */
  readonly roundTripMs: number;
  /** Mean loss they report, times 65536. */
  readonly lossQ16: number;
}

/** The questions of one session. */
export class SyncMessages {
  readonly #parts: SyncMessageParts;
  readonly #syncSchedule: SyncSchedule;
  #syncNo = 0;
  #syncAt = -Infinity;
  #echoAt = -Infinity;
  #reportsAt = -Infinity;
  #advAt = -Infinity;
  #count = 0;

  constructor(parts: SyncMessageParts) {
    this.#parts = parts;
    this.#syncSchedule = new SyncSchedule(parts.policy);
  }

  /** @returns Number of the latest SYNC; 0 before the first. */
  get syncNo(): number {
    return this.#syncNo;
  }

  /** @returns SYNC and ADV datagrams sent. */
  get count(): number {
    return this.#count;
  }

  /** All that is sent of a block for now is sent: ask about it. */
  ask(block: Block, now: number): void {
    block.asked = 0;
    this.#syncSchedule.add(block, now);
  }

  /** @returns When a SYNC is due; -Infinity = at once. */
  syncDueAt(): number {
    const { schedule, repairs, policy } = this.#parts;
    const idle = schedule.openCount === 0 && repairs.count === 0;
    if (idle && this.#syncSchedule.fresh > 0) return -Infinity;
    const regular = this.#syncAt + (idle ? policy.syncIdleMs : this.#echoIntervalMs());
    return Math.min(this.#syncSchedule.dueAt(), regular);
  }

  /** @returns When SYNC or ADV is due. */
  dueAt(): number {
    const adv = this.#parts.repairs.hasNews ? this.#advAt + ADV_MS : Infinity;
    return Math.min(this.syncDueAt(), adv);
  }

  #echoIntervalMs(): number {
    const { rate } = this.#parts;
    if (rate.searching) return ECHO_SEARCHING_MS;
    return rate.limitedBy === "cap" ? ECHO_CAPPED_MS : ECHO_MS;
  }

  /**
   * Writes a SYNC.
   *
   * @returns False when the batch is full; what was to be asked will be.
   */
  sync(group: GroupState, now: number): boolean {
    const { outbox, schedule, rate, policy } = this.#parts;
    const log2Members = Math.ceil(Math.log2(Math.max(group.members, 1)));
    const backoffMs = Math.min(log2Members * BACKOFF_PER_DOUBLING_MS, BACKOFF_MAX_MS);
    const againMs = 2 * group.roundTripMs + backoffMs + policy.syncIntervalMs;
    const blocks = this.#syncSchedule.take(outbox.blocksMax, againMs, now);
    const syncNo = this.#syncNo + 1;
    const message = {
      syncNo,
      tUs: BigInt(Math.floor(now * 1000)),
      rateKiBs: Math.round(rate.bitsPerSecond / KIB_BITS),
      lossQ16: group.lossQ16,
      backoffQuarterMs: Math.round(backoffMs * 4),
      log2Members,
      grttMs: Math.min(Math.ceil(group.roundTripMs), U16_MAX),
      pass: Math.min(schedule.pass, PASS_MAX),
      frontier: schedule.frontier,
      chunkCount: schedule.chunkCount ?? COUNT_UNKNOWN,
      blocks: blocks.map(entryOf),
    };
    if (!outbox.sync(message, this.#flags(group.members, now))) {
      for (const block of blocks) this.ask(block, now);
      return false;
    }
    this.#syncNo = syncNo;
    this.#syncAt = now;
    this.#count += 1;
    return true;
  }

  /** Echoes and reports are asked for now and then, so that they do not become a load. */
  #flags(members: number, now: number): number {
    let flags = 0;
    if (now - this.#echoAt >= this.#echoIntervalMs()) {
      flags |= Flag.echo;
      this.#echoAt = now;
    }
    const reportsMs = Math.max(ASK_REPORTS_MS, members * ASK_REPORTS_PER_MEMBER_MS);
    if (this.#parts.schedule.wantsReports && now - this.#reportsAt >= reportsMs) {
      flags |= Flag.report;
      this.#reportsAt = now;
    }
    return flags;
  }

  /**
   * Writes an ADV if there is something new to repeat.
   *
   * @param members - Active ones.
   */
  adv(members: number, now: number): void {
    const { repairs, outbox } = this.#parts;
    if (!repairs.hasNews || now < this.#advAt + ADV_MS) return;
    this.#advAt = now;
    const blocks = repairs.takeHeard(outbox.blocksMax);
    if (members < ADV_MEMBERS) return;
    if (outbox.adv(repairs.heardSync, blocks)) this.#count += 1;
  }
}

function entryOf({ chunk, index, issued }: Block): { chunk: number; block: number; value: number } {
  return { chunk: chunk.chunk, block: index, value: issued };
}
