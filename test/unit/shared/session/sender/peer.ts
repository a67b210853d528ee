/** A receiver that a test plays by hand: writes sealed messages into the arena of a sender. */
import type { SenderOptions } from "../../../../../shared/session/sender/contract.ts";
import type { Sender } from "../../../../../shared/session/sender/engine.ts";
import { MessageType, splitSid, writeHeader } from "../../../../../shared/wire/header.ts";
import { nackMessage } from "../../../../../shared/wire/nack.ts";
import type { Nack } from "../../../../../shared/wire/nack.ts";
import { reportMessage } from "../../../../../shared/wire/report.ts";
import type { Report } from "../../../../../shared/wire/report.ts";
import { writeMessage } from "../../../../rig/wire-vector.ts";
import { SID } from "./options.ts";

export class Peer {
  readonly remote: { readonly address: string; readonly port: number };
  readonly #options: SenderOptions;
  readonly #node: number;
  readonly #offset: number;
  #seq = 0;

  constructor(options: SenderOptions, node: number) {
    this.#options = options;
    this.#node = node;
    this.#offset = options.arena.region(4096);
    this.remote = { address: `10.0.0.${node}`, port: 7000 };
  }

  report(sender: Sender, changes: Partial<Report>, now: number): void {
    const lacks = { chunksDone: 0, lacking: 0, from: 0, to: 0, ranges: [], reason: "" };
    const state = { state: "receiving" as const, ringPercent: 0, netLossQ16: 0, drainKiBs: 0 };
    const message = { node: this.#node, ...lacks, ...state, ...changes };
    const length = writeMessage(this.#options.arena.bytes, this.#offset, reportMessage(message));
    this.#send(sender, length, MessageType.report, now);
  }

  nack(sender: Sender, changes: Partial<Nack>, now: number): void {
    const clock = { syncNo: 1, tUsEcho: Math.floor(now * 1000) - 500, hold100us: 0 };
    const state = { netLossQ16: 0, drainKiBs: 0, ringPercent: 0, kernelDrops: 0, receivedKiBs: 0 };
    const message = { node: this.#node, ...clock, ...state, blocks: [], ...changes };
    const length = writeMessage(this.#options.arena.bytes, this.#offset, nackMessage(message));
    this.#send(sender, length, MessageType.nack, now);
  }

  #send(sender: Sender, length: number, type: MessageType, now: number): void {
    const { arena, tagger } = this.#options;
    const view = new DataView(arena.memory.buffer);
    const header = { type, flags: 0, sid: splitSid(SID), seq: this.#seq };
    this.#seq += 1;
    writeHeader(view, this.#offset, header);
    tagger.seal(this.#offset, length);
    sender.receive({ offset: this.#offset, length, remote: this.remote, dropped: 0 }, now);
  }
}
