/**
 * What a receiver sends: NACKs and reports, written into the outgoing batch.
 *
 * A receiver's messages are small and rare, so they are built from plain objects. Only DATA, which
 * comes the other way, is too frequent for that.
 */
import type { Endpoint, TransmitBatch } from "../../core/engine.ts";
import type { Random } from "../../core/random.ts";
import { blockListRoom } from "../../wire/block-list.ts";
import { reasonBytesOf } from "../../wire/control.ts";
import { messageBytesMax, splitSid, writeHeader } from "../../wire/header.ts";
import type { SessionId } from "../../wire/header.ts";
import type { OutgoingMessage } from "../../wire/message.ts";
import { NACK_FIXED_BYTES, nackMessage } from "../../wire/nack.ts";
import {
  REPORT_FIXED_BYTES,
  REPORT_RANGES_MAX,
  REPORT_RANGE_BYTES,
  reportMessage,
} from "../../wire/report.ts";
import type { ReportState } from "../../wire/report.ts";
import type { Arrival } from "./arrival.ts";
import type { Assembly } from "./assembly.ts";
import type { ReceptionEvent, ReceptionOptions, SessionFacts } from "./contract.ts";
import { NackSchedule } from "./nack.ts";
import type { Answer } from "./nack.ts";
import type { ReceptionPolicy } from "./policy.ts";
import { ReportSchedule } from "./reports.ts";

/** The parts that the messages are built from. */
export interface MessageContext {
  readonly options: ReceptionOptions;
  readonly facts: SessionFacts;
  readonly policy: ReceptionPolicy;
  readonly assembly: Assembly;
  readonly arrival: Arrival;
}

/** A receiver's state, as a report tells it. */
export interface ReportedState {
  readonly state: ReportState;
  readonly reason: string;
  /** The sender's position: the description of what is lacking starts here. */
  readonly frontier: number;
}

export class ReceiverMessages {
  readonly nacks: NackSchedule;
  readonly reports: ReportSchedule;
  /** Destination of the messages; changes when the sender's port does. */
  remote: Endpoint;
  readonly #context: MessageContext;
  readonly #sid: SessionId;
  readonly #view: DataView;
  readonly #bytesMax: number;
  #node: number;
  #seq = 0;
  #nacksSent = 0;

  /** @param context - Borrowed for the life of this object. */
  constructor(context: MessageContext, remote: Endpoint) {
    this.#context = context;
    this.remote = remote;
    this.#node = context.options.node;
    const { options, policy, assembly, facts } = context;
    const random: Random = options.random;
    const { chunks, lanes } = assembly;
    const { staleBlockMs } = policy;
    const admits = (chunk: number): boolean => assembly.admits(chunk);
    this.nacks = new NackSchedule({ chunks, lanes, random, admits, staleBlockMs });
    this.reports = new ReportSchedule(policy, random);
    this.#sid = splitSid(facts.sid);
    const { bytes } = options.arena;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#bytesMax = messageBytesMax(facts.symbolBytes);
  }

  /** @returns This receiver's number: its own choice until the sender of a cast gives it one. */
  get node(): number {
    return this.#node;
  }

  /** Takes the number that the sender gave, and reports under it at once. */
  rename(node: number, now: number): void {
    if (node === this.#node) return;
    this.#node = node;
    this.reports.within(0, now);
  }

  /** @returns NACKs sent, echoes included. */
  get nacksSent(): number {
    return this.#nacksSent;
  }

  /** @returns When the next message is due, or Infinity. */
  get dueAt(): number {
    return Math.min(this.nacks.dueAt, this.reports.dueAt);
  }

  /**
   * Writes the messages that are due.
   *
   * @param batch - A message that does not fit is lost, as on a network.
   * @returns Datagrams added.
   */
  speak(batch: TransmitBatch, standing: ReportedState, now: number): number {
    let count = 0;
    const answer = this.nacks.take(blockListRoom(this.#bytesMax, NACK_FIXED_BYTES), now);
    if (answer !== undefined) count += this.#answer(batch, answer, now);
    if (now >= this.reports.dueAt) {
      count += this.#report(batch, standing, now);
      this.reports.sent(now);
    }
    return count;
  }

  #answer(batch: TransmitBatch, answer: Answer, now: number): number {
    const { assembly, arrival } = this.#context;
    const nack = nackMessage({
      ...answer,
      node: this.#node,
      netLossQ16: lossQ16(arrival.loss),
      drainKiBs: assembly.drain.kiBs,
      ringPercent: assembly.ringPercent,
      kernelDrops: arrival.kernelDrops & 0xffff,
      receivedKiBs: Math.round(arrival.rateKiBs(now)),
    });
    const count = this.#send(batch, nack);
    this.#nacksSent += count;
    return count;
  }

  #report(batch: TransmitBatch, standing: ReportedState, now: number): number {
    const { assembly, arrival } = this.#context;
    const { chunks } = assembly;
    const reasonBytes = reasonBytesOf(standing.reason).length;
    const room = this.#bytesMax - REPORT_FIXED_BYTES - reasonBytes;
    const rangesMax = Math.min(REPORT_RANGES_MAX, Math.floor(room / REPORT_RANGE_BYTES));
    const report = reportMessage({
      ...assembly.describe(standing.frontier, rangesMax, now),
      node: this.#node,
      state: standing.state,
      ringPercent: assembly.ringPercent,
      netLossQ16: lossQ16(arrival.loss),
      chunksDone: chunks.done,
      lacking: chunks.lacking,
      drainKiBs: assembly.drain.kiBs,
      reason: standing.reason,
    });
    return this.#send(batch, report);
  }

  /** @returns Datagrams added: 0 or 1. */
  #send(batch: TransmitBatch, { type, flags, length, write }: OutgoingMessage): number {
    const { arena, tagger } = this.#context.options;
    const offset = batch.add(length, this.remote);
    if (offset < 0) return 0;
    write(arena.bytes, offset);
    writeHeader(this.#view, offset, { type, flags, sid: this.#sid, seq: this.#seq });
    this.#seq += 1;
    tagger.seal(offset, length);
    return 1;
  }
}

function lossQ16(loss: number): number {
  return Math.min(Math.round(loss * 65536), 65_535);
}

/** @returns State and reason for a report. */
export function reportedStateOf(
  outcome: ReceptionEvent | undefined,
  streaming: boolean,
  frontier: number,
): ReportedState {
  if (outcome?.kind !== "ended") {
    return { state: streaming ? "receiving" : "waiting", reason: "", frontier };
  }
  if (outcome.outcome === "complete") return { state: "done", reason: "", frontier };
  const state = outcome.code === "aborted" ? "left" : "failed";
  return { state, reason: `${outcome.code}: ${outcome.reason}`, frontier };
}
