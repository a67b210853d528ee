/**
 * The streaming phase: decides what is sent next, asks the members what they lack, and applies
 * their answers.
 *
 * Three things compete for the pacer's bytes: SYNC and ADV messages, which are small and go first;
 * symbols that are owed, because receivers keep lanes open for them; and the next symbol in order.
 * Each decision is explained in its own file: schedule.ts, repair.ts, sync-schedule.ts, rate.ts.
 */
import type { BlockEntry } from "../../wire/block-list.ts";
import type { Nack } from "../../wire/nack.ts";
import type { Block, CachedChunk } from "./cached-chunk.ts";
import { ChunkCache } from "./chunk-cache.ts";
import type { ReadRequest, SenderEvent, SenderOptions, SenderStats } from "./contract.ts";
import type { Member, Members } from "./members.ts";
import type { Outbox } from "./outbox.ts";
import { Pacer } from "./pacer.ts";
import type { SenderPolicy } from "./policy.ts";
import { ProactiveParity } from "./proactive.ts";
import { SyncMessages } from "./sync-messages.ts";
import { KIB_BITS, RateControl } from "./rate.ts";
import { Repairs } from "./repair.ts";
import { LateRepairs } from "./late-repairs.ts";
import { Schedule } from "./schedule.ts";

/**
 * After this many repair symbols one symbol in order is sent, so that a member that keeps sending
 * NACKs cannot stop the session.
 */
const REPAIRS_IN_A_ROW = 3;
/**
 * A NACK that makes us read a chunk again costs its member at least this many symbols: the chunk
 * takes the place of another one in the cache.
 */
const READ_AGAIN_SYMBOLS = 64;
/** Rate and classes are updated this often. Unit: milliseconds. */
const TICK_MS = 10;

/** The parts of a sender that its streaming phase works with. */
export interface StreamingParts {
  readonly options: SenderOptions;
  readonly policy: SenderPolicy;
  readonly outbox: Outbox;
  readonly members: Members;
  /** Called for every event. */
  readonly emit: (event: SenderEvent) => void;
}

export class Streaming {
  readonly rate: RateControl;
  readonly #parts: StreamingParts;
  readonly #cache: ChunkCache;
  readonly #schedule: Schedule;
  readonly #repairs = new Repairs();
  readonly #lateRepairs = new LateRepairs();
  readonly #syncMessages: SyncMessages;
  readonly #proactive = new ProactiveParity();
  readonly #pacer: Pacer;
  #reads: ReadRequest[] = [];
  #active: readonly Member[] | undefined = undefined;
  #dirty = true;
  #carouselSince = Infinity;
  #tickedAt = -Infinity;
  #charged = 0;
  #batchFull = false;
  #toldRate = 0;
  readonly #counts = { source: 0, parity: 0, repair: 0, nacks: 0 };
  readonly #grown = { inOrder: 0, repair: 0 };
  #lossQ16 = 0;
  #repairsInARow = 0;

  constructor(parts: StreamingParts) {
    this.#parts = parts;
    const { options, policy } = parts;
    const { symbolBytes, recordBytesMax, cacheBytes, random, arena, chunkCount } = options;
    const offset = arena.region(cacheBytes);
    const { bytes } = arena;
    const sizes = { cacheBytes, symbolBytes, recordBytesMax };
    this.#cache = new ChunkCache({ ...sizes, bytes, offset, random });
    const interleave = Math.max(Math.min(policy.interleave, Math.floor(this.#cache.count / 3)), 1);
    const [cache, proactive] = [this.#cache, this.#proactive];
    this.#schedule = new Schedule({ cache, proactive, interleave, chunkCount });
    this.rate = new RateControl(policy, options.rateCap);
    const { outbox } = parts;
    const [schedule, repairs, rate] = [this.#schedule, this.#repairs, this.rate];
    this.#syncMessages = new SyncMessages({ policy, outbox, schedule, repairs, rate });
    this.#pacer = new Pacer(this.rate.bitsPerSecond);
  }

  /** @returns Chunks of the session; undefined while unknown. */
  get chunkCount(): number | undefined {
    return this.#schedule.chunkCount;
  }

  /** @returns Time at which the carousel started; Infinity in the first pass. */
  get carouselSince(): number {
    return this.#carouselSince;
  }

  start(now: number): void {
    this.#tickedAt = now;
    this.#advance(now);
  }

  /** Call when a member joined, ended, or described what it lacks. */
  membersChanged(): void {
    this.#active = undefined;
    this.#dirty = true;
  }

  /** @returns Reads for the driver; each is given once. */
  takeReads(): readonly ReadRequest[] {
    const reads = this.#reads;
    if (reads.length > 0) this.#reads = [];
    return reads;
  }

  /**
   * Takes a record that was read, or the end of the pipe.
   *
   * @param chunk - One that was requested.
   * @param length - Of its record; 0 = there is no such chunk. Unit: bytes.
   */
  loaded(chunk: number, length: number, now: number): void {
    const entry = this.#cache.get(chunk);
    if (entry === undefined) return;
    if (length === 0) {
      this.#schedule.setCount(chunk);
      this.#schedule.drop(entry);
    } else {
      this.#cache.loaded(entry, length);
      this.#answerLate(entry);
    }
    this.#advance(now);
  }

  #answerLate(entry: CachedChunk): void {
    for (const { block, deficit, syncNo, node } of this.#lateRepairs.take(entry.chunk)) {
      const target = entry.blocks[block];
      const member = this.#parts.members.get(node);
      if (target === undefined || member === undefined || member.budget.spent) continue;
      this.#askFor(member, target, deficit, syncNo);
    }
  }

  /** Applies a NACK. */
  nack(nack: Nack, now: number): void {
    const member = this.#parts.members.get(nack.node);
    if (member === undefined) return;
    this.#counts.nacks += 1;
    if (nack.syncNo > this.#syncMessages.syncNo) return;
    this.#parts.members.hear(nack, now);
    if (member.state !== "active" || member.as === "shed") return;
    for (const { chunk, block, value } of nack.blocks) {
      if (value === 0) continue;
      if (member.budget.spent) return;
      const entry = this.#cache.get(chunk);
      const target = entry?.blocks[block];
      if (target !== undefined) this.#askFor(member, target, value, nack.syncNo);
      else if (this.#wasSent(chunk)) this.#askLate(member, nack, { chunk, block, value });
    }
  }

  #askFor(member: Member, block: Block, deficit: number, syncNo: number): void {
    const owedMore = this.#repairs.ask(block, deficit, syncNo);
    if (owedMore > 0) member.budget.charge(owedMore);
  }

  #askLate({ node, budget }: Member, { syncNo }: Nack, { chunk, block, value }: BlockEntry): void {
    const isNew = this.#lateRepairs.add(chunk, { block, deficit: value, syncNo, node });
    if (isNew) budget.charge(READ_AGAIN_SYMBOLS);
    this.#dirty = true;
  }

  #wasSent(chunk: number): boolean {
    const count = this.#schedule.chunkCount;
    if (this.#schedule.firstPassOver) return chunk < (count ?? 0);
    return chunk < this.#schedule.frontier;
  }

  /** Updates what depends on time: rate, classes, carousel. */
  tick(now: number): void {
    if (now < this.#tickedAt + TICK_MS) return;
    this.#tickedAt = now;
    this.#advance(now);
    const { members } = this.#parts;
    this.#growBudgets();
    for (const member of members.classify(this.rate.networkRate / KIB_BITS, now)) {
      this.#parts.emit({ kind: "classed", node: member.node, as: member.as });
      this.rate.forget(member.node);
    }
    const held = this.#members().filter((member) => member.as === "held");
    if (!this.rate.look(held, members.groupRoundTripMs(), now)) return;
    this.#pacer.setRate(this.rate.bitsPerSecond);
    this.#noteLoss(held);
    this.#tellRate();
  }

  /**
   * What the members may ask for grows with what is sent in order. While nothing in order is left
   * to send, repairs take nothing from anybody, and cost nothing.
   */
  #growBudgets(): void {
    const { source, parity, repair } = this.#counts;
    const [inOrder, idle] = [source + parity - this.#grown.inOrder, repair - this.#grown.repair];
    this.#grown.inOrder += inOrder;
    this.#grown.repair += idle;
    if (inOrder > 0) this.#parts.members.sentInOrder(inOrder);
    if (this.#schedule.openCount > 0 || inOrder > 0) return;
    for (const member of this.#members()) member.budget.refund(idle);
  }

  /**
   * The 98th percentile of the held members' loss decides how much parity is sent ahead; with fewer
   * than 50 members that is the worst one.
   */
  #noteLoss(held: readonly Member[]): void {
    const losses = held.map((member) => member.loss).sort((left, right) => right - left);
    const worst = losses[Math.floor(losses.length * 0.02)] ?? 0;
    this.#proactive.set(worst, held.length);
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / Math.max(losses.length, 1);
    this.#lossQ16 = Math.min(Math.round(mean * 65536), 65_535);
  }

  #tellRate(): void {
    const { bitsPerSecond, limitedBy } = this.rate;
    if (Math.abs(bitsPerSecond - this.#toldRate) < 0.1 * this.#toldRate) return;
    this.#toldRate = bitsPerSecond;
    this.#parts.emit({ kind: "rate", bitsPerSecond, limitedBy });
  }

  /** Writes what is due into the batch of the outbox. */
  transmit(now: number): void {
    this.#batchFull = false;
    if (this.#dirty) this.#advance(now);
    this.#syncMessages.adv(this.#members().length, now);
    while (this.#pacer.ready(now)) {
      const written = now < this.#syncMessages.syncDueAt() || this.#sync(now);
      if (!written || !this.#symbol(now)) break;
      this.#pacer.charge(this.#parts.outbox.dataWireBytes);
      this.#charged += this.#parts.outbox.dataWireBytes;
    }
    if (now >= this.#syncMessages.syncDueAt()) this.#sync(now);
  }

  /** @param wireBytes - Bytes written since the last call. */
  charge(wireBytes: number): void {
    this.rate.noteSent(wireBytes);
    this.#pacer.charge(wireBytes - this.#charged);
    this.#charged = 0;
  }

  /** Writes one symbol; returns false if there is none or the batch is full. */
  #symbol(now: number): boolean {
    const owed = this.#repairs.peek();
    const next = this.#schedule.peek();
    const mayRepair = this.#repairsInARow < REPAIRS_IN_A_ROW || next?.block === undefined;
    if (owed !== undefined && mayRepair) return this.#repair(owed, now);
    if (next?.block === undefined) return false;
    const { block, symbol } = next;
    const { outbox } = this.#parts;
    const isSource = symbol < block.k;
    const ahead = isSource ? 0 : this.#proactive.symbolsFor(block.k) - (symbol - block.k);
    const written = isSource
      ? outbox.source(block, symbol, false)
      : outbox.fresh(block, ahead, false);
    if (!written) {
      this.#batchFull = true;
      return false;
    }
    if (isSource) this.#counts.source += 1;
    else this.#counts.parity += 1;
    this.#repairsInARow = 0;
    const finished = this.#schedule.taken();
    if (finished !== undefined) this.#finish(finished, now);
    return true;
  }

  #finish(block: Block, now: number): void {
    block.finish(this.#syncMessages.syncNo);
    this.#syncMessages.ask(block, now);
    this.#dirty = true;
    this.#advance(now);
  }

  #repair(block: Block, now: number): boolean {
    const { outbox } = this.#parts;
    const written =
      block.resend > 0
        ? outbox.source(block, block.k - block.resend, true)
        : outbox.fresh(block, block.owed, true);
    if (!written) {
      this.#batchFull = true;
      return false;
    }
    this.#counts.repair += 1;
    this.#repairsInARow += 1;
    const done = this.#repairs.sent(this.#syncMessages.syncNo);
    if (done === undefined) return true;
    this.#cache.touch(done.chunk);
    this.#syncMessages.ask(done, now);
    return true;
  }

  #sync(now: number): boolean {
    const members = this.#members().length;
    const roundTripMs = this.#parts.members.groupRoundTripMs();
    return this.#syncMessages.sync({ members, roundTripMs, lossQ16: this.#lossQ16 }, now);
  }

  /**
   * Opens chunks that have been read, requests those that come next, and re-reads chunks that NACKs
   * ask for.
   */
  #advance(now: number): void {
    this.#dirty = false;
    const grttMs = this.#parts.members.groupRoundTripMs();
    this.#reads.push(...this.#schedule.advance(this.#members(), grttMs, now));
    for (
      let chunk = this.#lateRepairs.peek();
      chunk !== undefined;
      chunk = this.#lateRepairs.peek()
    ) {
      const known = this.#cache.get(chunk);
      if (known !== undefined) {
        this.#lateRepairs.reading();
        continue;
      }
      const entry = this.#cache.reserve(chunk);
      if (entry === undefined) break;
      this.#lateRepairs.reading();
      const { capacity } = this.#cache;
      this.#reads.push({ kind: "read", chunk, offset: this.#cache.offsetOf(entry), capacity });
    }
    if (this.#schedule.firstPassOver && this.#carouselSince === Infinity) {
      this.#carouselSince = now;
      this.#parts.emit({ kind: "pass", pass: this.#schedule.pass });
    }
  }

  /** Active members, cached until something changes. */
  #members(): readonly Member[] {
    this.#active ??= this.#parts.members.active();
    return this.#active;
  }

  /** @returns When there is something to do next. */
  nextWakeup(): number {
    const next = Math.min(this.#syncMessages.dueAt(), this.#tickedAt + TICK_MS);
    const sendable = this.#repairs.count > 0 || this.#schedule.openCount > 0;
    if (!sendable) return next;
    return this.#batchFull ? -Infinity : Math.min(next, this.#pacer.readyAt());
  }

  stats(): Omit<SenderStats, "phase" | "dropped" | "members"> {
    const { source, parity, repair, nacks } = this.#counts;
    return {
      pass: this.#schedule.pass,
      chunksSent: this.#schedule.sent,
      chunkCount: this.#schedule.chunkCount,
      sourceSent: source,
      paritySent: parity,
      repairSent: repair,
      otherSent: this.#syncMessages.count,
      nacksReceived: nacks,
      bitsPerSecond: this.rate.bitsPerSecond,
      queueDelayMs: this.rate.queueMs,
    };
  }
}
