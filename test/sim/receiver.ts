/**
 * One simulated receiver: the production reception engine, a disk of finite speed, and a life
 * with accidents.
 */
import assert from "node:assert";
import { Arena } from "../../shared/core/arena.ts";
import type { DatagramView } from "../../shared/core/engine.ts";
import { seededRandom } from "../../shared/core/random.ts";
import type { Range } from "../../shared/core/ranges.ts";
import type { Tagger } from "../../shared/wire/tag.ts";
import type { BlockRepairer } from "../../shared/session/reception/block-repair.ts";
import type {
  DeliverRequest,
  ReceptionEvent,
  ReceptionRequest,
  ReceptionStats,
} from "../../shared/session/reception/contract.ts";
import { createReception } from "../../shared/session/reception/engine.ts";
import type { Reception } from "../../shared/session/reception/engine.ts";
import type { SimBatch } from "./network.ts";
import type { Plan, ReceiverPlan } from "./plan.ts";
import type { Content } from "./content.ts";

/** Virtual time-outs are short, so that a session with a dead sender ends soon. */
const LOST_SENDER_MS = 6000;
const FETCH_MS = 5;

interface Work {
  readonly at: number;
  readonly request: Exclude<ReceptionRequest, { kind: "decode" }>;
  readonly ok: boolean;
}

/** What became of a receiver. */
export interface ReceiverOutcome {
  readonly ended: ReceptionEvent | undefined;
  readonly completeAtMs: number | undefined;
  readonly chunksKept: number;
  readonly died: boolean;
  /** When its last life began. */
  readonly startedAtMs: number;
  readonly stats: ReceptionStats | undefined;
}

/** What a receiver is made from. */
export interface SimReceiverParts {
  readonly plan: Plan;
  readonly receiver: ReceiverPlan;
  readonly end: number;
  readonly arena: Arena;
  readonly tagger: Tagger;
  readonly repairer: BlockRepairer;
  /** Region of the arena with room for two rings: before and after a restart. */
  readonly ring: number;
  readonly laneBytes: number;
  readonly content: Content;
  readonly batch: SimBatch;
  readonly seed: number;
}

export class SimReceiver {
  readonly #parts: SimReceiverParts;
  readonly #kept: Uint8Array;
  readonly #bad: Set<number>;
  readonly #order: number[] = [];
  #engine: Reception | undefined = undefined;
  #ended: ReceptionEvent | undefined = undefined;
  #completeAtMs: number | undefined = undefined;
  #lives = 0;
  #startedAtMs = 0;
  #dead = false;
  #work: Work[] = [];
  #diskFreeAt = 0;
  #heard = false;
  #digest = 0;

  constructor(parts: SimReceiverParts) {
    this.#parts = parts;
    this.#kept = new Uint8Array(parts.plan.chunkCount);
    this.#bad = new Set(parts.receiver.badOnce);
  }

  /** True when nothing more will happen to it. */
  get over(): boolean {
    if (this.#ended !== undefined) return true;
    return this.#dead && this.#lives >= this.#livesMax();
  }

  get digest(): number {
    return this.#digest;
  }

  #livesMax(): number {
    return this.#parts.receiver.returnsAt === Infinity ? 1 : 2;
  }

  nextMoment(): number {
    if (this.over) return Infinity;
    const { startsAt, diesAt, returnsAt } = this.#parts.receiver;
    if (this.#engine === undefined) {
      return this.#lives === 0 ? startsAt : Math.max(returnsAt, diesAt + 10);
    }
    const death = this.#lives === 1 ? diesAt : Infinity;
    let next = Math.min(this.#engine.nextWakeup(), death);
    for (const work of this.#work) next = Math.min(next, work.at);
    return next;
  }

  receive(view: DatagramView, now: number): void {
    if (this.#engine === undefined) return;
    this.#engine.receive(view, now);
    this.#heard = true;
  }

  step(now: number): void {
    if (now < this.nextMoment() && !this.#heard) return;
    this.#heard = false;
    if (this.over) return;
    if (this.#engine === undefined) this.#start(now);
    if (this.#lives === 1 && now >= this.#parts.receiver.diesAt) {
      this.#die();
      return;
    }
    const engine = this.#engine;
    if (engine === undefined) return;
    this.#finishWork(engine, now);
    engine.tick(now);
    this.#serve(engine, now);
    engine.transmit(this.#parts.batch, now);
    this.#parts.batch.send(now);
    for (const event of engine.events()) this.#note(event, now);
  }

  #start(now: number): void {
    this.#startedAtMs = now;
    const { plan, receiver, arena, tagger, ring, laneBytes, end, seed } = this.#parts;
    const ringBytes = receiver.ringLanes * laneBytes;
    const own = arenaAt(arena, ring + this.#lives * ringBytes);
    const wanted: Range[] = [];
    for (let chunk = 0; chunk < plan.chunkCount; chunk += 1) {
      if (this.#kept[chunk] === 0) wanted.push({ start: chunk, end: chunk + 1 });
    }
    this.#engine = createReception({
      arena: own,
      tagger,
      random: seededRandom(seed + this.#lives),
      node: end,
      ringBytes,
      ...(plan.kind === "image" ? { recordLengths: this.#parts.content.lengths } : {}),
      ...(plan.pipe && this.#lives === 0 ? {} : { wanted }),
      canFetch: receiver.canFetch,
      inOrder: receiver.inOrder,
      policy: { lostSenderMs: LOST_SENDER_MS, sessionWaitMs: 8000, badTriesMax: 3 },
    });
    this.#lives += 1;
    this.#dead = false;
  }

  #die(): void {
    this.#engine = undefined;
    this.#dead = true;
    this.#work = [];
  }

  #serve(engine: Reception, now: number): void {
    for (let round = 0; round < 1000; round += 1) {
      const requests = engine.requests();
      if (requests.length === 0) return;
      for (const request of requests) this.#take(engine, request, now);
    }
    assert.fail("requests without end");
  }

  #take(engine: Reception, request: ReceptionRequest, now: number): void {
    const { receiver, repairer } = this.#parts;
    if (request.kind === "decode") {
      repairer.repair(request);
      engine.complete({ kind: "decoded", chunk: request.chunk, block: request.block }, now);
    } else if (request.kind === "fetch") {
      assert(receiver.canFetch, "fetch asked of a receiver that cannot");
      this.#work.push({ at: now + FETCH_MS, request, ok: true });
    } else {
      this.#deliver(engine, request, now);
    }
  }

  #deliver(engine: Reception, request: DeliverRequest, now: number): void {
    const { drain, armsAt } = this.#parts.receiver;
    const ok = this.#judge(request);
    if (drain === Infinity && now >= armsAt) {
      this.#keep(engine, { at: now, request, ok }, now);
      return;
    }
    const start = Math.max(this.#diskFreeAt, now, armsAt);
    this.#diskFreeAt = start + (request.length / drain) * 1000;
    this.#work.push({ at: this.#diskFreeAt, request, ok });
  }

  /** The driver's digest check: here the bytes themselves are compared. */
  #judge({ chunk, offset, length }: DeliverRequest): boolean {
    const { content, arena, plan, receiver } = this.#parts;
    const record = content.record(chunk);
    const inArena = Buffer.from(arena.bytes.buffer, offset, record.length);
    if (Buffer.compare(inArena, record) !== 0) assert.fail(`chunk ${chunk} has wrong bytes`);
    if (plan.kind === "image") assert.equal(length, record.length);
    else assert.equal(length, Math.ceil(record.length / plan.symbolBytes) * plan.symbolBytes);
    assert.equal(this.#kept[chunk], 0, `chunk ${chunk} is delivered twice`);
    if (receiver.inOrder) {
      assert(!this.#kept.subarray(0, chunk).includes(0), "delivered out of order");
    }
    return !this.#bad.delete(chunk);
  }

  #finishWork(engine: Reception, now: number): void {
    const due = this.#work.filter((work) => work.at <= now);
    if (due.length === 0) return;
    this.#work = this.#work.filter((work) => work.at > now);
    for (const work of due) this.#keep(engine, work, now);
  }

  #keep(engine: Reception, { request, ok }: Work, now: number): void {
    if (ok) {
      this.#kept[request.chunk] = 1;
      this.#order.push(request.chunk);
    }
    const { chunk } = request;
    this.#digest = (Math.imul(this.#digest, 31) + chunk + (ok ? 1 : 0)) | 0;
    if (request.kind === "fetch") {
      engine.complete({ kind: "fetched", chunk, outcome: ok ? "ok" : "failed" }, now);
    } else {
      engine.complete({ kind: "delivered", chunk, outcome: ok ? "ok" : "bad" }, now);
    }
  }

  #note(event: ReceptionEvent, now: number): void {
    if (event.kind === "complete") {
      this.#completeAtMs = now;
      assert(!this.#kept.includes(0), "complete, though chunks lack");
    }
    if (event.kind === "ended") this.#ended = event;
  }

  describe(): unknown {
    return { kept: this.#order.length, ended: this.#ended, stats: this.#engine?.stats() };
  }

  outcome(): ReceiverOutcome {
    return {
      ended: this.#ended,
      completeAtMs: this.#completeAtMs,
      chunksKept: this.#order.length,
      died: this.#dead,
      startedAtMs: this.#startedAtMs,
      stats: this.#engine?.stats(),
    };
  }
}

/** A view of the arena whose next region begins at a given offset. */
function arenaAt(arena: Arena, offset: number): Arena {
  return new Arena(arena.memory, offset);
}
