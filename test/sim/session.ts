/**
 * Runs one planned session: the production engines, a simulated network, and a clock that jumps.
 *
 * The one idea: this file is one more driver. It keeps the promises of a driver (datagrams in,
 * requests out, results back) and checks the promises of the engines after every step: no chunk
 * is delivered twice or wrong, memory stays inside its regions, everything ends in bounded
 * virtual time.
 */
import assert from "node:assert";
import { Arena, arenaMemory } from "../../shared/core/arena.ts";
import { seededRandom } from "../../shared/core/random.ts";
import { createFecKernel } from "../../shared/fec/kernel.ts";
import { createTagger } from "../../shared/wire/tag.ts";
import type { SenderEvent, SenderStats, StartRule } from "../../shared/session/sender/contract.ts";
import { createSender } from "../../shared/session/sender/engine.ts";
import type { Sender } from "../../shared/session/sender/engine.ts";
import type { SenderPolicy } from "../../shared/session/sender/policy.ts";
import { FEC_SCRATCH_BYTES } from "../../shared/fec/wasm-kernel.ts";
import { BlockRepairer, repairScratchBytes } from "../../shared/session/reception/block-repair.ts";
import { Attacker, LIAR, LIARS } from "./attacker.ts";
import type { Attack } from "./attacker.ts";
import { Content } from "./content.ts";
import { GROUP, SimNetwork, networkBytes } from "./network.ts";
import type { SimBatch } from "./network.ts";
import type { Plan } from "./plan.ts";
import { SimReceiver } from "./receiver.ts";
import type { ReceiverOutcome } from "./receiver.ts";

const DATAGRAMS = 16_384;
const SID = 0x0102030405060708n;
const KEY = Uint8Array.from({ length: 16 }, (_, index) => index);
/** All sessions use the same memory, one after the other. */
const MEMORY = arenaMemory(192 * 1024 * 1024);
/** Receivers that start up to this moment are waited for. */
const EARLY_MS = 20;
/** A driver sleeps at least this long. Unit: milliseconds. */
const SENDER_NAP_MS = 0.25;
/**
 * Virtual time that no session may need: the largest image at the lowest rate, plus every
 * time-out in a row.
 */
const TIME_MAX_MS = 200_000;
const STEPS_MAX = 3_000_000;

/** How a session ended. */
export interface SessionResult {
  readonly plan: Plan;
  readonly endedAtMs: number;
  /** Name of the whole trace. */
  readonly digest: string;
  readonly outcome: string;
  readonly receivers: readonly ReceiverOutcome[];
  readonly sender: SenderStats;
  readonly events: readonly SenderEvent[];
  readonly wireBytes: number;
  readonly payloadBytes: number;
  readonly feedbackDatagrams: number;
  readonly lost: number;
  /** When the sender ended; Infinity when it died. */
  readonly senderEndedAtMs: number;
}

/** Looks at a session after each step; for tests that ask when something happened. */
export type Watch = (now: number, sender: Sender) => void;

/** What a test may change beside the plan. */
export interface SessionTweaks {
  readonly policy?: Partial<SenderPolicy>;
  readonly watch?: Watch;
  readonly attack?: Attack;
}

/** Runs a plan to its end. */
export function runSession(plan: Plan, tweaks: SessionTweaks = {}): SessionResult {
  return new Simulation(plan, tweaks).run();
}

/**
 * The session waits for all receivers that are there from the beginning, as an operator would
 * have it.
 */
function startRule(plan: Plan): StartRule {
  const early = plan.receivers.filter((receiver) => receiver.startsAt <= EARLY_MS).length;
  const membersMin = Math.max(early, 1);
  return { membersMin, membersMax: membersMin, waitMinMs: 0, waitMaxMs: 3000 };
}

class Simulation {
  readonly #plan: Plan;
  readonly #network: SimNetwork;
  readonly #sender: Sender;
  readonly #senderBatch: SimBatch;
  readonly #content: Content;
  readonly #arena: Arena;
  readonly #receivers: SimReceiver[];
  readonly #events: SenderEvent[] = [];
  readonly #watch: Watch | undefined;
  readonly #attacker: Attacker | undefined;
  #senderAt = 0;
  #senderHeard = false;
  #senderEnded = false;
  #senderEndedAtMs = Infinity;
  #now = 0;

  constructor(plan: Plan, { policy, watch, attack }: SessionTweaks) {
    this.#plan = plan;
    this.#watch = watch;
    const arena = new Arena(MEMORY);
    this.#arena = arena;
    const random = seededRandom(plan.seed ^ 0x0a0a);
    this.#content = new Content(plan);
    this.#network = new SimNetwork({
      random: seededRandom(plan.seed ^ 0x1111),
      bytes: arena.bytes,
      offset: arena.region(networkBytes(DATAGRAMS)),
      datagrams: DATAGRAMS,
      egress: plan.egress,
      down: plan.receivers.map((receiver) => receiver.down),
      up: plan.receivers.map((receiver) => receiver.up),
    });
    const kernel = createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) });
    const tagger = createTagger(arena.memory, KEY);
    const laneBytes = Math.ceil((plan.recordBytesMax + 12 * plan.symbolBytes) / 4096 + 1) * 4096;
    this.#sender = createSender({
      arena,
      kernel,
      tagger,
      random: seededRandom(random.u32()),
      sid: SID,
      kind: plan.kind,
      imageId: new Uint8Array(32),
      group: GROUP,
      feedbackPort: 7000,
      symbolBytes: plan.symbolBytes,
      recordBytesMax: plan.recordBytesMax,
      chunkCount: plan.pipe ? undefined : plan.chunkCount,
      cacheBytes: plan.cacheLanes * laneBytes,
      rateCap: plan.rateCap,
      start: startRule(plan),
      admission: {
        by: "server",
        admits: (node) => node <= plan.receivers.length || (node >= LIAR && node < LIAR + LIARS),
      },
      policy: { silenceMs: 4000, stallMs: 20_000, startRate: 30e6, ...policy },
    });
    this.#senderBatch = this.#network.batch(0);
    if (attack !== undefined) this.#attacker = new Attacker(attack, arena, tagger, SID);
    const scratch = arena.region(repairScratchBytes(plan.symbolBytes));
    const repairer = new BlockRepairer(arena, kernel, scratch);
    this.#receivers = plan.receivers.map((receiver, index) => {
      const lives = receiver.returnsAt === Infinity ? 1 : 2;
      const ring = arena.region(receiver.ringLanes * laneBytes * lives);
      const parts = { plan, receiver, end: index + 1, arena, tagger, repairer, ring, laneBytes };
      const content = this.#content;
      const batch = this.#network.batch(index + 1);
      return new SimReceiver({ ...parts, content, batch, seed: random.u32() });
    });
  }

  run(): SessionResult {
    const canary = this.#arena.left;
    for (let steps = 0; !this.#over(); steps += 1) {
      if (steps >= STEPS_MAX) assert.fail(`steps without end: ${this.#describe()}`);
      this.#now = Math.max(this.#nextMoment(), this.#now);
      if (this.#now >= TIME_MAX_MS) assert.fail(`hangs: ${this.#describe()}`);
      this.#step();
      this.#watch?.(this.#now, this.#sender);
    }
    assert.equal(this.#arena.left, canary, "an engine took memory while it ran");
    return this.#result();
  }

  #over(): boolean {
    if (!this.#senderEnded && this.#now < this.#plan.senderDiesAt) return false;
    return this.#receivers.every((receiver) => receiver.over);
  }

  #nextMoment(): number {
    let next = this.#network.next;
    if (this.#senderAlive()) next = Math.min(next, this.#senderAt);
    for (const receiver of this.#receivers) next = Math.min(next, receiver.nextMoment());
    return this.#attacked() ? Math.min(next, this.#attacker?.nextAt ?? Infinity) : next;
  }

  /** The attacker goes on until the last receiver is over. */
  #attacked(): boolean {
    return !this.#receivers.every((receiver) => receiver.over);
  }

  #senderAlive(): boolean {
    return !this.#senderEnded && this.#now < this.#plan.senderDiesAt;
  }

  #step(): void {
    const now = this.#now;
    this.#senderHeard = false;
    this.#network.deliverUntil(now, (end, view) => {
      if (end === 1) this.#attacker?.overhear(view);
      if (end > 0) this.#receivers[end - 1]?.receive(view, now);
      else if (this.#senderAlive()) {
        this.#sender.receive(view, now);
        this.#senderHeard = true;
      }
    });
    if (this.#attacked()) {
      this.#attacker?.step(now, (to, view) => {
        if (to === "sender") this.#sender.receive(view, now);
        else for (const receiver of this.#receivers) receiver.receive(view, now);
      });
    }
    for (const receiver of this.#receivers) receiver.step(now);
    const due = now >= this.#senderAt || this.#senderHeard;
    if (this.#senderAlive() && due) this.#stepSender(now);
  }

  #stepSender(now: number): void {
    const sender = this.#sender;
    sender.tick(now);
    this.#serveReads(now);
    sender.transmit(this.#senderBatch, now);
    this.#senderBatch.send(now);
    this.#serveReads(now);
    for (const event of sender.events()) {
      this.#events.push(event);
      if (event.kind !== "ended") continue;
      this.#senderEnded = true;
      this.#senderEndedAtMs = now;
    }
    this.#senderAt = Math.max(sender.nextWakeup(), now + SENDER_NAP_MS);
  }

  #serveReads(now: number): void {
    for (const { chunk, offset, capacity } of this.#sender.requests()) {
      const exists = chunk < this.#plan.chunkCount;
      assert(exists || this.#plan.pipe, `read of chunk ${chunk} that does not exist`);
      const record = exists ? this.#content.record(chunk) : new Uint8Array(0);
      assert(record.length <= capacity, "record longer than its lane");
      this.#arena.bytes.set(record, offset);
      this.#sender.complete({ kind: "read", chunk, length: record.length }, now);
    }
  }

  #describe(): string {
    const receivers = this.#receivers.map((receiver) => receiver.describe());
    const sender = { ...this.#sender.stats(), members: this.#sender.stats().members.length };
    return JSON.stringify({ now: this.#now, plan: this.#plan.seed, sender, receivers });
  }

  #result(): SessionResult {
    const ended = this.#events.find((event) => event.kind === "ended");
    for (const receiver of this.#receivers) this.#network.note(receiver.digest);
    this.#network.note(Math.floor(this.#now * 1000));
    return {
      plan: this.#plan,
      endedAtMs: this.#now,
      digest: this.#network.digest,
      outcome: ended?.kind === "ended" ? ended.outcome : "sender died",
      receivers: this.#receivers.map((receiver) => receiver.outcome()),
      sender: this.#sender.stats(),
      events: this.#events,
      wireBytes: this.#network.sentBytes,
      payloadBytes: this.#content.totalBytes,
      feedbackDatagrams: this.#network.upDatagrams,
      lost: this.#network.lost,
      senderEndedAtMs: this.#senderEndedAtMs,
    };
  }
}
