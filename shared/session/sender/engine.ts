/**
 * The sender engine: one multicast session as a pure state machine.
 *
 * A session is gathering, streaming, ending or ended. While it streams, the pacer allows a certain
 * number of bytes; repairs that are owed (repair.ts) go first, then the next symbol in order
 * (schedule.ts). SYNCs ask the members what they lack (sync-schedule.ts), their answers change what
 * is owed, and their reports tell the carousel which chunks to repeat (members.ts). Protocol:
 * shared/wire/WIRE.md sections 4 and 5. The engine reads no disk; it requests chunks from its
 * driver.
 */
import type { DatagramView, Endpoint, Engine, TransmitBatch } from "../../core/engine.ts";
import { FormatError } from "../../core/errors.ts";
import { announceMessage } from "../../wire/announce.ts";
import { controlMessage } from "../../wire/control.ts";
import {
  MessageType,
  bodyReader,
  isOfSession,
  messageNode,
  messageSequence,
  receiverMessageType,
  splitSid,
} from "../../wire/header.ts";
import type { ReceiverMessageType, SessionId } from "../../wire/header.ts";
import { readNack } from "../../wire/nack.ts";
import { readReport } from "../../wire/report.ts";
import type { Report } from "../../wire/report.ts";
import { AdmissionDesk } from "./admission.ts";
import type { Entry } from "./admission.ts";
import type {
  SenderEvent,
  SenderOptions,
  SenderPhase,
  SenderRequest,
  SenderResult,
  SenderStats,
} from "./contract.ts";
import { Gathering } from "./gathering.ts";
import { memberStats } from "./member-stats.ts";
import { Members } from "./members.ts";
import type { Member, ReportOrigin } from "./members.ts";
import { Outbox } from "./outbox.ts";
import { SENDER_POLICY } from "./policy.ts";
import type { SenderPolicy } from "./policy.ts";
import { Streaming } from "./streaming.ts";

/** The members are checked for silence and stalls this often. Unit: milliseconds. */
const CHECK_MS = 100;
/**
 * Unicast messages waiting to be sent. When the queue is full we drop: the receiver will ask again.
 */
const WORDS_MAX = 256;

/** The sending end of a running session. */
export interface Sender extends Engine<SenderRequest, SenderResult, SenderEvent> {
  /** @returns Running totals. Allocates, so do not call it per datagram. */
  stats(): SenderStats;
}

/** @returns An engine that starts to gather members at its first tick. */
export function createSender(options: SenderOptions): Sender {
  return new SenderEngine(options);
}

/**
 * A message to one receiver: we know that it has ended (ACK), the session is over (END), or the
 * number that it shall have (MEMBER).
 */
interface Word {
  readonly remote: Endpoint;
  readonly node: number;
  readonly word: "ack" | "end" | "member";
}

/** A datagram of a member, or of a receiver that wants to become one. */
type Speaker = Entry | "member";

class SenderEngine implements Sender {
  readonly #options: SenderOptions;
  readonly #policy: SenderPolicy;
  readonly #view: DataView;
  readonly #sid: SessionId;
  readonly #members: Members;
  readonly #outbox: Outbox;
  readonly #desk: AdmissionDesk;
  readonly #gathering: Gathering;
  readonly #streaming: Streaming;
  #phase: SenderPhase = "gathering";
  #events: SenderEvent[] = [];
  #words: Word[] = [];
  #started = false;
  #checkAt = 0;
  #dropped = 0;
  #end: { readonly outcome: "complete" | "partial" | "aborted"; readonly reason: string } = {
    outcome: "complete",
    reason: "",
  };
  #endCopies = 0;
  #endAt = Infinity;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#policy = { ...SENDER_POLICY, ...options.policy };
    const { bytes } = options.arena;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#sid = splitSid(options.sid);
    this.#members = new Members(this.#policy);
    this.#desk = new AdmissionDesk(options.admission);
    this.#outbox = new Outbox(options);
    this.#gathering = new Gathering(options, this.#policy);
    const policy = this.#policy;
    const [outbox, members] = [this.#outbox, this.#members];
    const emit = (event: SenderEvent): void => {
      this.#events.push(event);
    };
    this.#streaming = new Streaming({ options, policy, outbox, members, emit });
  }

  receive(view: DatagramView, now: number): void {
    if (this.#phase === "ended") return;
    const { offset, length } = view;
    const type = receiverMessageType(this.#view, offset, length);
    const ours = isOfSession(this.#view, offset, this.#sid);
    const speaker = type !== 0 && ours ? this.#speakerOf(type, view, now) : "refuse";
    // Checking a tag costs more than all of the above, so a flood must not get this far.
    if (type === 0 || speaker === "refuse" || !this.#options.tagger.check(offset, length)) {
      this.#dropped += 1;
      return;
    }
    try {
      if (speaker === "give a number") {
        const { node } = readReport(bodyReader(this.#options.arena.bytes, offset, length));
        this.#say({ remote: view.remote, node, word: "member" });
      } else {
        this.#message(view, type, now);
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#dropped += 1;
    }
  }

  #message({ offset, length, remote }: DatagramView, type: ReceiverMessageType, now: number): void {
    const reader = bodyReader(this.#options.arena.bytes, offset, length);
    switch (type) {
      case MessageType.report: {
        const seq = messageSequence(this.#view, offset);
        this.#report(readReport(reader), { remote, seq }, now);
        break;
      }
      case MessageType.nack:
        this.#streaming.nack(readNack(reader), now);
        break;
    }
  }

  /** Judges by number and address alone who sent a datagram. */
  #speakerOf(type: number, { offset, remote }: DatagramView, now: number): Speaker {
    const node = messageNode(this.#view, offset);
    const member = this.#members.get(node);
    if (member !== undefined) {
      return this.#members.accepts(member, remote, now) ? "member" : "refuse";
    }
    if (type !== MessageType.report) return "refuse";
    return this.#desk.judge(node, remote, this.#members.countAt(remote.address), now);
  }

  complete(result: SenderResult, now: number): void {
    switch (result.kind) {
      case "read":
        this.#streaming.loaded(result.chunk, result.length, now);
        break;
      case "read failed":
        this.#finish("aborted", `chunk ${result.chunk} cannot be read: ${result.reason}`, now);
        break;
      case "refused":
        this.#streaming.rate.noteRefused(result.count);
        break;
      case "expected":
        this.#gathering.expect(result.members);
        break;
      case "abort":
        this.#finish("aborted", result.reason, now);
        break;
    }
  }

  tick(now: number): void {
    if (!this.#started) {
      this.#started = true;
      this.#gathering.begin(now);
    }
    if (this.#phase === "gathering") this.#gather(now);
    if (this.#phase === "streaming") {
      this.#streaming.tick(now);
      if (now >= this.#checkAt) this.#check(now);
    }
    if (
      this.#phase === "ending" &&
      now >= this.#endAt &&
      this.#endCopies >= this.#policy.endCopies
    ) {
      this.#phase = "ended";
      this.#events.push({ kind: "ended", ...this.#end });
    }
  }

  transmit(batch: TransmitBatch, now: number): number {
    if (this.#phase === "ended" || !this.#started) return 0;
    const outbox = this.#outbox;
    outbox.begin(batch);
    this.#speak();
    if (this.#phase === "ending") this.#sayEnd(now);
    else this.#announce(now);
    if (this.#phase === "gathering") this.#gathering.probe(outbox, now);
    if (this.#phase === "streaming") this.#streaming.transmit(now);
    this.#streaming.charge(outbox.finish());
    return outbox.count;
  }

  requests(): readonly SenderRequest[] {
    return this.#phase === "streaming" ? this.#streaming.takeReads() : [];
  }

  events(): readonly SenderEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  nextWakeup(): number {
    if (this.#phase === "ended") return Infinity;
    if (!this.#started || this.#words.length > 0) return 0;
    if (this.#phase === "ending") return this.#endAt;
    if (this.#phase === "gathering") return this.#gathering.nextWakeup();
    return Math.min(this.#streaming.nextWakeup(), this.#gathering.announceAt, this.#checkAt);
  }

  stats(): SenderStats {
    return {
      ...this.#streaming.stats(),
      phase: this.#phase,
      dropped: this.#dropped,
      members: [...this.#members.all()].map(memberStats),
    };
  }

  #report(report: Report, origin: ReportOrigin, now: number): void {
    const { remote } = origin;
    const known = this.#members.get(report.node);
    if (this.#phase === "ending") {
      this.#say({
        remote,
        node: report.node,
        word: known?.state !== "done" && report.state !== "done" ? "end" : "ack",
      });
    }
    const member = this.#members.report(report, origin, now);
    if (member === undefined) {
      this.#dropped += 1;
      return;
    }
    if (known === undefined) this.#events.push({ kind: "joined", node: member.node, remote });
    switch (report.state) {
      case "waiting":
      case "receiving":
        this.#members.setState(member.node, "active");
        break;
      case "done":
      case "failed":
      case "left":
        this.#memberEnded(member, report.state, report.reason);
        this.#say({ remote, node: report.node, word: "ack" });
        break;
    }
    this.#streaming.membersChanged();
    if (this.#phase === "gathering") this.#gather(now);
    if (this.#phase === "streaming" && this.#members.active().length === 0) this.#check(now);
  }

  #memberEnded(member: Member, state: "done" | "failed" | "left" | "lost", reason: string): void {
    if (member.state === state) return;
    this.#members.setState(member.node, state);
    this.#events.push({ kind: "member ended", node: member.node, state, reason });
    this.#streaming.membersChanged();
  }

  #say(word: Word): void {
    if (this.#words.length < WORDS_MAX) this.#words.push(word);
  }

  #speak(): void {
    for (const { remote, node, word } of this.#words) {
      if (word === "end") this.#outbox.send(controlMessage({ op: "end", ...this.#end }), remote);
      else if (word === "ack") this.#outbox.send(controlMessage({ op: "ack", node }), remote);
      else {
        // To the group: several receivers on one computer may share the address and port.
        const given = this.#desk.numberFor(node, remote);
        this.#outbox.send(controlMessage({ op: "member", node, given }));
      }
    }
    if (this.#words.length > 0) this.#words = [];
  }

  #gather(now: number): void {
    const verdict = this.#gathering.judge(this.#members.active().length, this.#members.count, now);
    if (verdict === "wait") return;
    if (verdict === "nobody") {
      this.#finish("aborted", "nobody joined", now);
      return;
    }
    this.#phase = "streaming";
    this.#checkAt = now + CHECK_MS;
    this.#events.push({ kind: "started", members: this.#members.active().length });
    this.#streaming.start(now);
  }

  #announce(now: number): void {
    if (now < this.#gathering.announceAt) return;
    const streaming = this.#phase === "streaming";
    const { chunkCount } = this.#streaming;
    const members = this.#members.active().length;
    const message = this.#gathering.announcement({ streaming, chunkCount, members }, now);
    if (this.#outbox.send(announceMessage(message))) this.#gathering.announced(streaming, now);
  }

  /** Declares silent and stalled members lost, and ends the session when no member is active. */
  #check(now: number): void {
    this.#checkAt = now + CHECK_MS;
    const { silenceMs, stallMs } = this.#policy;
    for (const member of this.#members.active()) {
      const carouselMs = now - Math.max(member.progressAt, this.#streaming.carouselSince);
      if (now - member.heardAt >= silenceMs) {
        this.#memberEnded(member, "lost", `silent for ${silenceMs} ms`);
      } else if (carouselMs >= stallMs) {
        this.#memberEnded(member, "lost", `no progress for ${stallMs} ms`);
      }
    }
    if (this.#members.active().length > 0) return;
    const all = [...this.#members.all()];
    const bad = all.filter((member) => member.state !== "done").length;
    const reason =
      bad === 0 ? "all members are done" : `${bad} of ${all.length} members are not done`;
    this.#finish(bad === 0 ? "complete" : "partial", reason, now);
  }

  #finish(outcome: "complete" | "partial" | "aborted", reason: string, now: number): void {
    if (this.#phase === "ending" || this.#phase === "ended") return;
    this.#phase = "ending";
    this.#end = { outcome, reason };
    this.#endAt = now;
    this.#events.push({ kind: "ending" });
  }

  #sayEnd(now: number): void {
    if (now < this.#endAt || this.#endCopies >= this.#policy.endCopies) return;
    if (!this.#outbox.send(controlMessage({ op: "end", ...this.#end }))) return;
    this.#endCopies += 1;
    const last = this.#endCopies >= this.#policy.endCopies;
    this.#endAt = now + (last ? this.#policy.lingerMs : this.#policy.endIntervalMs);
  }
}
