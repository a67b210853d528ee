/**
 * When to send a NACK, and about which blocks: the receiver's half of repair by count.
 *
 * When a SYNC asks, the deficits are counted at once, but sent after a random wait, in which the
 * receivers with the largest deficits go first. The sender repeats the largest deficits it heard
 * (ADV), and a receiver that lacks no more than that stays silent. A lost NACK or ADV costs one
 * SYNC interval. Model: RFC 5401 section 3.2.2, RFC 5740 section 4.2. This file does not send: the
 * engine takes the finished message.
 */
import type { Random } from "../../core/random.ts";
import { SOURCE_SYMBOLS_MAX, blockSymbols } from "../../fec/partition.ts";
import type { Adv } from "../../wire/adv.ts";
import { WHOLE_BLOCK } from "../../wire/block-list.ts";
import type { BlockEntry } from "../../wire/block-list.ts";
import type { Sync } from "../../wire/sync.ts";
import type { ChunkStates } from "./chunks.ts";
import type { LaneTable } from "./lanes.ts";

/**
 * Answers are delayed by a random time up to this even if nobody else answers. Unit: milliseconds.
 */
const JITTER_MS = 1;
/**
 * So many members are asked to echo a SYNC if nothing is lacking: enough for a median, too few for
 * an implosion.
 */
const ECHOES_WANTED = 8;
/** The `hold` field: unit and largest value. */
const HOLD_UNIT_MS = 0.1;
const HOLD_MAX = 65_535;

/** One block for the NACK, and the deficit that the sender has already heard for it. */
interface Complaint {
  readonly chunk: number;
  readonly block: number;
  /** Number of symbols that were lacking when the SYNC asked, or 255. */
  readonly deficit: number;
  advertised: number;
}

/** An answer that is due. */
export interface Answer {
  readonly syncNo: number;
  readonly tUsEcho: number;
  readonly hold100us: number;
  readonly blocks: readonly BlockEntry[];
}

/** The parts that the schedule reads. */
export interface NackContext {
  readonly chunks: ChunkStates;
  readonly lanes: LaneTable;
  readonly random: Random;
  /** Tells whether a chunk that is in no lane would get one now. */
  readonly admits: (chunk: number) => boolean;
  /** A block that was not touched for this long goes into a NACK unasked. Unit: milliseconds. */
  readonly staleBlockMs: number;
}

/** The NACK that is being prepared for the latest SYNC. */
export class NackSchedule {
  readonly #context: NackContext;
  #complaints: Complaint[] = [];
  #echo = false;
  #syncNo = 0;
  #tUsEcho = 0;
  #arrivedAt = 0;
  #dueAt = Infinity;
  #suppressed = 0;
  #joinedAt = -1;

  /**
   * @param context - Borrowed for the life of the schedule.
   */
  constructor(context: NackContext) {
    this.#context = context;
  }

  /** @returns When {@link take} has something, or Infinity. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** @returns Number of deficits not sent because another receiver's NACK covered them. */
  get suppressed(): number {
    return this.#suppressed;
  }

  /**
   * Takes a SYNC: counts the symbols that are missing now and schedules one NACK for them. An
   * unanswered question of an earlier SYNC is answered by the same NACK, at the earlier of the two
   * times.
   *
   * @param echo - True if the SYNC wants an echo from some members.
   */
  onSync(sync: Sync, echo: boolean, now: number): void {
    if (this.#joinedAt < 0) this.#joinedAt = sync.frontier;
    this.#syncNo = sync.syncNo;
    this.#tUsEcho = Number(sync.tUs & 0xffffffffn);
    this.#arrivedAt = now;
    const unanswered = this.#complaints;
    this.#complaints = [];
    let asked = 0;
    for (const entry of sync.blocks) asked += this.#ask(entry);
    for (const { chunk, block } of unanswered) {
      if (!this.#isListed(chunk, block)) asked += this.#ask({ chunk, block });
    }
    this.#addStale(sync, now);
    const members = 2 ** sync.log2Members;
    const { random } = this.#context;
    // A waiting echo stays although the next SYNC asks other members: in a large group the wait is
    // longer than the time to the next SYNC.
    const kept = this.#echo && members > ECHOES_WANTED;
    this.#echo = (echo && random.fraction() * members < ECHOES_WANTED) || kept;
    if (this.#complaints.length === 0 && !this.#echo) {
      this.#dueAt = Infinity;
      return;
    }
    const due =
      now + this.#wait(sync, members, asked) + (members > 1 ? random.fraction() * JITTER_MS : 0);
    this.#dueAt = Math.min(this.#dueAt, due);
  }

  /** Takes an ADV: deficits that it covers need not be sent. */
  onAdv(adv: Adv): void {
    if (adv.syncNo !== this.#syncNo || this.#complaints.length === 0) return;
    for (const { chunk, block, value } of adv.blocks) {
      for (const complaint of this.#complaints) {
        if (complaint.chunk !== chunk || complaint.block !== block) continue;
        complaint.advertised = Math.max(complaint.advertised, value);
      }
    }
  }

  /**
   * Gives the answer when it is due.
   *
   * @param roomFor - Blocks that fit into one message.
   * @returns The answer, or undefined if nothing is due or if other receivers' NACKs covered all of
   *   it.
   */
  take(roomFor: number, now: number): Answer | undefined {
    if (now < this.#dueAt) return undefined;
    this.#dueAt = Infinity;
    const blocks: BlockEntry[] = [];
    for (const complaint of this.#complaints) {
      if (!this.#stillLacks(complaint)) continue;
      if (complaint.advertised >= complaint.deficit) this.#suppressed += 1;
      else if (blocks.length < roomFor) blocks.push(entryOf(complaint));
    }
    this.#complaints = [];
    if (blocks.length === 0 && !this.#echo) return undefined;
    this.#echo = false;
    const hold = Math.round((now - this.#arrivedAt) / HOLD_UNIT_MS);
    const hold100us = Math.min(hold, HOLD_MAX);
    return { syncNo: this.#syncNo, tUsEcho: this.#tUsEcho, hold100us, blocks };
  }

  /** Drops the answer that is being prepared. */
  clear(): void {
    this.#complaints = [];
    this.#echo = false;
    this.#dueAt = Infinity;
  }

  /**
   * Adds one block that the SYNC asks about; returns its number of source symbols, as a weight for
   * the wait.
   */
  #ask({ chunk, block }: Pick<BlockEntry, "chunk" | "block">): number {
    const { chunks, lanes } = this.#context;
    if (!chunks.exists(chunk)) return 0;
    const lane = chunks.laneOf(chunk);
    if (lane >= 0) {
      const cut = lanes.cutOf(lane);
      if (block >= cut.blockCount) return 0;
      lanes.setAsked(lane, block);
      this.#complain(chunk, block, lanes.deficit(lane, block));
      return blockSymbols(cut, block);
    }
    // Nothing of the chunk is here although it was sent after we joined: all its datagrams were
    // lost. (If no lane is free, they were dropped on purpose, and the carousel brings the chunk
    // again.)
    const missed =
      chunk >= this.#joinedAt && this.#context.admits(chunk) && chunks.isLacking(chunk);
    if (missed) this.#complain(chunk, block, WHOLE_BLOCK);
    return missed ? SOURCE_SYMBOLS_MAX : 0;
  }

  /**
   * Adds blocks that lack symbols long after they were sent: an earlier answer or its repair was
   * lost.
   */
  #addStale(sync: Sync, now: number): void {
    const { lanes, staleBlockMs } = this.#context;
    const before = now - Math.max(staleBlockMs, 2 * sync.grttMs);
    for (let lane = 0; lane < lanes.count; lane += 1) {
      const chunk = lanes.chunkOf(lane);
      if (chunk < 0) continue;
      const over = chunk < sync.frontier || sync.pass > 1;
      const { blockCount } = lanes.cutOf(lane);
      for (let block = 0; block < blockCount; block += 1) {
        if (lanes.blockTouchedAt(lane, block) >= before) continue;
        if (!over && !lanes.wasAsked(lane, block)) continue;
        if (!this.#isListed(chunk, block)) this.#complain(chunk, block, lanes.deficit(lane, block));
      }
    }
  }

  #isListed(chunk: number, block: number): boolean {
    return this.#complaints.some((one) => one.chunk === chunk && one.block === block);
  }

  #complain(chunk: number, block: number, deficit: number): void {
    if (deficit === 0) return;
    this.#complaints.push({ chunk, block, deficit, advertised: 0 });
  }

  #stillLacks({ chunk, block }: Complaint): boolean {
    const { chunks, lanes } = this.#context;
    const lane = chunks.laneOf(chunk);
    return lane >= 0 ? lanes.deficit(lane, block) > 0 : chunks.isLacking(chunk);
  }

  /**
   * The wait before the answer. In a group of N, a member whose deficit is exceeded by a share
   * `tail` of the others waits T * (ln N + ln tail) / ln N. So the members with the largest
   * deficits go first, and only a few of them at a time.
   */
  #wait(sync: Sync, members: number, asked: number): number {
    if (members <= 1) return 0;
    const windowMs = sync.backoffQuarterMs / 4;
    const share = sync.lossQ16 / 65536;
    let total = 0;
    for (const { deficit } of this.#complaints) total += Math.min(deficit, SOURCE_SYMBOLS_MAX);
    const deviation = Math.sqrt(Math.max(asked * share * (1 - share), 1));
    const logN = Math.log(members);
    const wait = (windowMs * (logN + logTail((total - asked * share) / deviation))) / logN;
    return Math.min(Math.max(wait, 0), windowMs);
  }
}

function entryOf({ chunk, block, deficit }: Complaint): BlockEntry {
  return { chunk, block, value: deficit };
}

/**
 * Logarithm of the normal distribution's tail: logistic approximation, and the asymptote for large
 * z.
 */
function logTail(z: number): number {
  return z > 2 ? -(z * z) / 2 - Math.log(z * 2.5066) : -Math.log1p(Math.exp(1.702 * z));
}
