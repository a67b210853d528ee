/**
 * The reception engine: one receiver's part in a session as a pure state machine.
 *
 * Every symbol has a permanent name. So loss, reordering, late join and resume all come down to one
 * question: which names does this receiver lack? DATA is stored by name (assembly.ts). Lacking
 * symbols are reported when a SYNC asks (nack.ts), lacking chunks in reports (reports.ts), and what
 * multicast cannot bring is fetched (fetches.ts). Protocol: shared/wire/WIRE.md sections 4 and 5.
 * The driver, not the engine, judges content and writes the disk.
 */
import type { DatagramView, Engine, TransmitBatch } from "../../core/engine.ts";
import { FormatError } from "../../core/errors.ts";
import { readAdv } from "../../wire/adv.ts";
import { type Announce, readAnnounce } from "../../wire/announce.ts";
import { type Control, readControl } from "../../wire/control.ts";
import {
  Flag,
  MessageType,
  bodyReader,
  isOfSession,
  messageFlags,
  messageSequence,
  messageSid,
  senderMessageType,
  splitSid,
  type SenderMessageType,
} from "../../wire/header.ts";
import { DATA_OVERHEAD_BYTES } from "../../wire/data.ts";
import { readProbe } from "../../wire/probe.ts";
import { type Sync, COUNT_UNKNOWN, readSync } from "../../wire/sync.ts";
import { Arrival } from "./arrival.ts";
import type {
  ReceptionEvent,
  ReceptionFailure,
  ReceptionOptions,
  ReceptionPhase,
  ReceptionRequest,
  ReceptionResult,
  ReceptionStats,
} from "./contract.ts";
import { ReceptionDeadlines } from "./deadlines.ts";
import { type ReceptionPolicy, RECEPTION_POLICY } from "./policy.ts";
import { type End, SenderWords } from "./sender-words.ts";
import { receptionStats } from "./stats.ts";
import { reportedStateOf } from "./receiver-messages.ts";
import { type JoinedSession, joinSession } from "./joined-session.ts";

/** Fewer lanes cannot hold an interleave and its repairs. */
const LANES_MIN = 4;
/** A report that a SYNC asks for is sent at a random time within this. Unit: milliseconds. */
const ASKED_REPORT_MS = 10;

/** A running reception. */
export interface Reception extends Engine<ReceptionRequest, ReceptionResult, ReceptionEvent> {
  /** @returns Running totals. Allocates, so do not call it per datagram. */
  stats(): ReceptionStats;
}

/** @returns An engine that waits for an announcement. */
export function createReception(options: ReceptionOptions): Reception {
  return new ReceptionEngine(options);
}

class ReceptionEngine implements Reception {
  readonly #options: ReceptionOptions;
  readonly #policy: ReceptionPolicy;
  readonly #view: DataView;
  readonly #ringOffset: number;
  readonly #deadlines: ReceptionDeadlines;
  readonly #arrival = new Arrival();
  readonly #words = new SenderWords();
  #taken: JoinedSession | undefined = undefined;
  #phase: ReceptionPhase = "waiting";
  #outcome: ReceptionEvent | undefined = undefined;
  #events: ReceptionEvent[] = [];
  #reached = false;
  #streaming = false;
  #over = false;
  #overBecause: { readonly code: ReceptionFailure; readonly reason: string } | undefined;
  #frontier = 0;
  #received = 0;
  #dropped = 0;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#policy = { ...RECEPTION_POLICY, ...options.policy };
    this.#deadlines = new ReceptionDeadlines(this.#policy);
    const { bytes } = options.arena;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#ringOffset = options.arena.region(options.ringBytes);
  }

  receive(view: DatagramView, now: number): void {
    if (this.#phase === "ended") return;
    const { offset, length, remote } = view;
    const type = senderMessageType(this.#view, offset, length);
    const ours = type !== 0 && this.#isOurs(offset) && this.#words.isFromSender(remote, now);
    if (!ours || !this.#options.tagger.check(offset, length)) {
      this.#dropped += 1;
      return;
    }
    this.#received += 1;
    if (this.#taken !== undefined) this.#words.heard(remote, type === MessageType.control, now);
    if (this.#deadlines.hear(now)) this.#events.push({ kind: "heard" });
    if ((messageFlags(this.#view, offset) & Flag.unicast) === 0) {
      this.#arrival.note(messageSequence(this.#view, offset), length, view.dropped, now);
      if (!this.#reached) this.#reach(length);
    }
    if (type === MessageType.data) {
      if (this.#phase === "receiving") this.#data(offset, length, now);
      return;
    }
    try {
      this.#message(view, type, now);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#dropped += 1;
    }
  }

  complete(result: ReceptionResult, now: number): void {
    const taken = this.#taken;
    if (result.kind === "abort") {
      this.#fail("aborted", result.reason, now);
    } else if (taken !== undefined && this.#phase !== "ended") {
      const times = taken.assembly.finish(result, now);
      if (times > 0 && result.kind === "delivered") {
        this.#events.push({ kind: "bad chunk", chunk: result.chunk, times });
      }
      if (result.kind === "lacking") this.#reopen();
    }
    this.#settle(now);
  }

  tick(now: number): void {
    this.#deadlines.start(now);
    const end = this.#words.takeEnd(now);
    if (end !== undefined) this.#believe(end, now);
    if (this.#phase === "waiting" || this.#phase === "receiving") this.#expire(now);
    this.#settle(now);
  }

  #expire(now: number): void {
    const silence = `${Math.round(this.#deadlines.silenceMs(now))} ms`;
    switch (this.#deadlines.judge(!this.#over, now)) {
      case "none":
        break;
      case "session wait":
        this.#fail("no_session", `no session within ${this.#policy.sessionWaitMs} ms`, now);
        break;
      case "silent":
        this.#events.push({ kind: "silent", forMs: this.#deadlines.silenceMs(now) });
        break;
      case "lost sender":
        this.#multicastOver("sender_lost", `sender was silent for ${silence}`, now);
        break;
      case "deadline":
        this.#fail("deadline", `not complete after ${this.#policy.deadlineMs} ms`, now);
        break;
    }
  }

  transmit(batch: TransmitBatch, now: number): number {
    const messages = this.#taken?.messages;
    if (messages === undefined || this.#phase === "ended") return 0;
    if (now < messages.dueAt) return 0;
    const standing = reportedStateOf(this.#outcome, this.#streaming, this.#frontier);
    const count = messages.speak(batch, standing, now);
    if (this.#phase === "closing" && messages.reports.exhausted) this.#end();
    return count;
  }

  requests(): readonly ReceptionRequest[] {
    return this.#taken?.assembly.takeRequests() ?? [];
  }

  events(): readonly ReceptionEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  nextWakeup(): number {
    if (this.#phase === "ended") return Infinity;
    const spoken = Math.min(this.#taken?.messages.dueAt ?? Infinity, this.#words.dueAt);
    if (this.#phase === "closing") return spoken;
    return Math.min(spoken, this.#deadlines.nextWakeup(!this.#over));
  }

  stats(): ReceptionStats {
    const parts = { assembly: this.#taken?.assembly, messages: this.#taken?.messages };
    const counts = { received: this.#received, dropped: this.#dropped };
    return receptionStats({ ...parts, ...counts, phase: this.#phase, loss: this.#arrival.loss });
  }

  /**
   * Before a session was joined, accepts only an announcement, and only of the session in the
   * order.
   */
  #isOurs(offset: number): boolean {
    if (this.#taken !== undefined) return isOfSession(this.#view, offset, this.#taken.sid);
    const wanted = this.#options.sid;
    return wanted === undefined || isOfSession(this.#view, offset, splitSid(wanted));
  }

  /** Notes that a multicast datagram of full length arrived: so DATA can arrive, too. */
  #reach(length: number): void {
    if (length < (this.#taken?.symbolBytes ?? Infinity) + DATA_OVERHEAD_BYTES) return;
    this.#reached = true;
    this.#events.push({ kind: "reached" });
  }

  #data(offset: number, length: number, now: number): void {
    this.#begin();
    this.#taken?.assembly.data(offset, length, now);
  }

  #message(
    view: DatagramView,
    type: Exclude<SenderMessageType, typeof MessageType.data>,
    now: number,
  ): void {
    const { offset, length } = view;
    const reader = bodyReader(this.#options.arena.bytes, offset, length);
    switch (type) {
      case MessageType.announce:
        this.#announce(readAnnounce(reader), view, now);
        break;
      case MessageType.sync:
        this.#sync(readSync(reader), messageFlags(this.#view, offset), now);
        break;
      case MessageType.adv:
        this.#taken?.messages.nacks.onAdv(readAdv(reader));
        break;
      case MessageType.control:
        this.#control(readControl(reader), now);
        break;
      case MessageType.probe:
        readProbe(reader); // it has arrived, and that is all it is for
        break;
    }
  }

  #announce(announce: Announce, view: DatagramView, now: number): void {
    const heard = { address: view.remote.address, port: announce.feedbackPort };
    const known = this.#taken;
    if (known === undefined && announce.state === "ended") return;
    const sid = messageSid(this.#view, view.offset);
    const { messages } = known ?? this.#take(announce, sid, now);
    if (known === undefined) messages.reports.within(announce.reportSpreadMs, now);
    messages.remote = this.#options.sender ?? heard;
    if (announce.state === "streaming") this.#begin();
    this.#count(announce.chunkCount, now);
  }

  /** Joins a session: from here on its sizes are fixed. */
  #take(announce: Announce, sid: bigint, now: number): JoinedSession {
    const options = this.#options;
    const parts = { options, policy: this.#policy, arrival: this.#arrival };
    const taken = joinSession(announce, sid, { ...parts, ringOffset: this.#ringOffset });
    this.#taken = taken;
    this.#phase = "receiving";
    this.#deadlines.take(now);
    const { facts, assembly } = taken;
    this.#events.push({ kind: "session", facts, lanes: assembly.lanes.count });
    if (assembly.lanes.count < LANES_MIN) {
      const found = `${assembly.lanes.count} records of ${facts.recordBytesMax} bytes fit`;
      this.#fail("ring_too_small", `ring of ${options.ringBytes} bytes: ${found}`, now);
    }
    return taken;
  }

  #begin(): void {
    if (this.#streaming) return;
    this.#streaming = true;
    this.#events.push({ kind: "started" });
  }

  #sync(sync: Sync, flags: number, now: number): void {
    const taken = this.#taken;
    if (taken === undefined) return;
    this.#begin();
    this.#frontier = sync.frontier;
    this.#count(sync.chunkCount, now);
    if (this.#phase !== "receiving") return;
    taken.messages.nacks.onSync(sync, (flags & Flag.echo) !== 0, now);
    if ((flags & Flag.report) !== 0) taken.messages.reports.within(ASKED_REPORT_MS, now);
  }

  #count(chunkCount: number, now: number): void {
    const chunks = this.#taken?.assembly.chunks;
    if (chunks === undefined || chunkCount === COUNT_UNKNOWN) return;
    if (!chunks.setCount(chunkCount)) this.#dropped += 1;
    else this.#settle(now);
  }

  #control(control: Control, now: number): void {
    const messages = this.#taken?.messages;
    if (control.op === "ack") {
      if (control.node === messages?.node && this.#phase === "closing") this.#end();
    } else if (control.op === "member") {
      const isOurs = control.node === messages?.node && this.#options.sid === undefined;
      if (isOurs) messages.rename(control.given, now);
    } else if (this.#taken !== undefined || this.#options.sid !== undefined) {
      this.#words.ended(control);
    }
  }

  #believe(control: End, now: number): void {
    if (this.#phase === "ended") return;
    if (this.#phase === "closing") {
      this.#end();
    } else if (control.outcome === "aborted") {
      this.#fail("session_aborted", control.reason, now);
      this.#end();
    } else if (!this.#over) {
      this.#multicastOver("session_ended", `session ended: ${control.reason}`, now);
    }
  }

  /**
   * Multicast is over. Fetches the rest, or fails if fetching and the work under way cannot
   * complete the image, or if nothing was ever received.
   */
  #multicastOver(code: ReceptionFailure, reason: string, now: number): void {
    const assembly = this.#taken?.assembly;
    this.#over = true;
    this.#overBecause = { code, reason };
    if (!this.#reached) this.#fail(code, reason, now);
    if (assembly === undefined || !this.#reached) return;
    if (this.#options.canFetch && assembly.chunks.count !== undefined) assembly.fetchRest();
    this.#settle(now);
  }

  /** Checks what follows from the change just made: a phase may be over. */
  #settle(now: number): void {
    const assembly = this.#taken?.assembly;
    if (assembly === undefined || this.#phase !== "receiving") return;
    if (assembly.complete) {
      this.#events.push({ kind: "complete" });
      this.#close({ kind: "ended", outcome: "complete" }, now);
      return;
    }
    if (assembly.failure !== undefined) {
      this.#fail(assembly.failure.code, assembly.failure.reason, now);
      return;
    }
    assembly.pumpFetches();
    const because = this.#overBecause;
    if (because === undefined || assembly.fetches.all || !assembly.idle) return;
    const { lacking } = assembly.chunks;
    this.#fail(because.code, `${because.reason}; ${lacking} chunks lacking`, now);
  }

  #fail(code: ReceptionFailure, reason: string, now: number): void {
    if (this.#phase === "closing" || this.#phase === "ended") return;
    this.#close({ kind: "ended", outcome: "failed", code, reason }, now);
    if (this.#taken === undefined) this.#end();
  }

  /** The outcome is certain: reports it to the sender until the sender acknowledges it. */
  #close(outcome: ReceptionEvent, now: number): void {
    this.#phase = "closing";
    this.#outcome = outcome;
    this.#taken?.messages.nacks.clear();
    this.#taken?.messages.reports.close(now);
    if (this.#over) this.#end();
  }

  #reopen(): void {
    const complete = this.#outcome?.kind === "ended" && this.#outcome.outcome === "complete";
    if (this.#phase !== "closing" || !complete) return;
    this.#phase = "receiving";
    this.#outcome = undefined;
    this.#taken?.messages.reports.reopen();
  }

  #end(): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    if (this.#outcome !== undefined) this.#events.push(this.#outcome);
  }
}
