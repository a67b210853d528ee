/**
 * SYNC and ADV: when the sender asks, about which blocks, and which answers it repeats.
 *
 * A SYNC is due when blocks wait to be asked about, when there is nothing else to send, or when the
 * rate control wants an echo. Repairs are dated by the number of the latest SYNC. An ADV repeats
 * the largest deficits heard, so that other members keep silent. For how answers are applied see
 * repair.ts.
 */
import { advMessage } from "../../wire/adv.ts";
import { Flag } from "../../wire/header.ts";
import { COUNT_UNKNOWN, syncMessage } from "../../wire/sync.ts";
import { SyncSchedule } from "./sync-schedule.ts";
import type { Block } from "./cached-chunk.ts";
import type { Outbox } from "./outbox.ts";
import type { SenderPolicy } from "./policy.ts";
import { KIB_BITS } from "./rate.ts";
import type { RateControl } from "./rate.ts";
import type { Repairs } from "./repair.ts";
import type { Schedule } from "./schedule.ts";

/** While answers arrive, an ADV repeats them this often. Unit: milliseconds. */
const ADV_MS = 2;
/** With fewer members no ADV is sent: there is nobody to keep silent. */
const ADV_MEMBERS = 3;
/** Answers of N members are spread over this many milliseconds per doubling of N. */
const BACKOFF_PER_DOUBLING_MS = 1.5;
const BACKOFF_MAX_MS = 20;
/**
 * All members that lack something are asked for reports this often; less often if they are many.
 * Unit: milliseconds.
 */
const ASK_REPORTS_MS = 40;
const ASK_REPORTS_PER_MEMBER_MS = 0.5;
/**
 * Time between echoes while the rate is searched, once it is found, and if a cap sets it. Unit:
 * milliseconds.
 */
const ECHO_SEARCHING_MS = 10;
const ECHO_MS = 20;
const ECHO_CAPPED_MS = 100;
const PASS_MAX = 255;
const U16_MAX = 65_535;

export interface SyncMessageParts {
  readonly policy: SenderPolicy;
  readonly outbox: Outbox;
  readonly schedule: Schedule;
  readonly repairs: Repairs;
  readonly rate: RateControl;
}

/** What a SYNC says about the group. */
export interface GroupState {
  /** Number of active members. */
  readonly members: number;
  /** Largest round trip. Unit: milliseconds. */
  readonly roundTripMs: number;
  /** Mean loss that the members report, times 65536. */
  readonly lossQ16: number;
}

/** Writes the SYNCs and ADVs of one session. */
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

  /** Queues a question about a block of which everything was sent for now. */
  ask(block: Block, now: number): void {
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
   * @returns False if the batch is full; its questions stay queued.
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
    if (!outbox.send(syncMessage(message, this.#flags(group.members, now)))) {
      for (const block of blocks) this.ask(block, now);
      return false;
    }
    this.#syncNo = syncNo;
    this.#syncAt = now;
    this.#count += 1;
    return true;
  }

  /** Requests echoes and reports only now and then, so that they do not become a load. */
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
   * @param members - Number of active members.
   */
  adv(members: number, now: number): void {
    const { repairs, outbox } = this.#parts;
    if (!repairs.hasNews || now < this.#advAt + ADV_MS) return;
    this.#advAt = now;
    const blocks = repairs.takeHeard(outbox.blocksMax);
    if (members < ADV_MEMBERS) return;
    if (outbox.send(advMessage({ syncNo: repairs.heardSync, blocks }))) this.#count += 1;
  }
}

function entryOf({ chunk, index, issued }: Block): { chunk: number; block: number; value: number } {
  return { chunk: chunk.chunk, block: index, value: issued };
}
