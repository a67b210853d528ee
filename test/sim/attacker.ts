/**
 * A computer on the segment that knows the session's key and sends what it likes: to the sender,
 * and in the sender's name to the receivers.
 */
import type { Arena } from "../../shared/core/arena.ts";
import type { DatagramView, Endpoint } from "../../shared/core/engine.ts";
import { seededRandom } from "../../shared/core/random.ts";
import type { Random } from "../../shared/core/random.ts";
import type { BlockEntry } from "../../shared/wire/block-list.ts";
import { controlMessage } from "../../shared/wire/control.ts";
import {
  Flag,
  MessageType,
  bodyReader,
  senderMessageType,
  splitSid,
  writeHeader,
} from "../../shared/wire/header.ts";
import { nackMessage } from "../../shared/wire/nack.ts";
import { reportMessage } from "../../shared/wire/report.ts";
import type { ReportState } from "../../shared/wire/report.ts";
import { readSync } from "../../shared/wire/sync.ts";
import type { Tagger } from "../../shared/wire/tag.ts";
import { writeMessage } from "../rig/wire-vector.ts";

/** The attacker's own address. */
const ATTACKER: Endpoint = { address: "10.0.0.200", port: 7000 };
/** The sender's socket, which a raw socket can claim to be. */
const SENDER: Endpoint = { address: "10.0.0.0", port: 7000 };
/** The numbers that the server has given to the attacker's own nodes, from this one on. */
export const LIAR = 77;
export const LIARS = 20;
const NACK_BLOCKS_MAX = 200;

/** What the attacker does. */
export type Attack =
  | "invented members"
  | "NACK flood"
  | "REPORT flood"
  | "lying member"
  | "lying members with full rings"
  | "spoofed END"
  | "spoofed verdicts";

/** Where a forged datagram goes. */
export type Deliver = (to: "sender" | "receivers", view: DatagramView) => void;

export class Attacker {
  readonly #attack: Attack;
  readonly #arena: Arena;
  readonly #offset: number;
  readonly #tagger: Tagger;
  readonly #sid: bigint;
  readonly #random: Random = seededRandom(99);
  readonly #blocks: BlockEntry[] = [];
  #syncNo = 0;
  #tUs = 0;
  #newSync = false;
  #seq = 0;
  #at = 30;
  forged = 0;

  constructor(attack: Attack, arena: Arena, tagger: Tagger, sid: bigint) {
    this.#attack = attack;
    this.#arena = arena;
    this.#offset = arena.region(4096);
    this.#tagger = tagger;
    this.#sid = sid;
  }

  get nextAt(): number {
    return this.#at;
  }

  /** Reads what the sender multicasts, as every member can. */
  overhear({ offset, length }: DatagramView): void {
    const { memory, bytes } = this.#arena;
    const view = new DataView(memory.buffer);
    if (senderMessageType(view, offset, length) !== MessageType.sync) return;
    const sync = readSync(bodyReader(bytes, offset, length));
    this.#syncNo = sync.syncNo;
    this.#tUs = Number(sync.tUs & 0xffffffffn);
    this.#newSync = true;
    for (const { chunk, block } of sync.blocks) {
      this.#blocks.unshift({ chunk, block, value: 255 });
    }
    this.#blocks.length = Math.min(this.#blocks.length, NACK_BLOCKS_MAX);
  }

  step(now: number, deliver: Deliver): void {
    if (now < this.#at) return;
    const random = this.#random;
    switch (this.#attack) {
      case "invented members":
        this.#at = now + 10;
        for (let number = 0; number < 20; number += 1) {
          this.#report(deliver, 1000 + number, "receiving", 100);
          this.#nack(deliver, 1000 + number);
        }
        break;
      case "NACK flood":
        this.#at = now + 1;
        // Half of them in the names of the four honest members.
        for (let count = 0; count < 50; count += 1) {
          this.#nack(deliver, count % 2 === 0 ? random.u32() : 1 + ((count >> 1) % 4));
        }
        break;
      case "REPORT flood":
        this.#at = now + 1;
        for (let count = 0; count < 50; count += 1) {
          this.#report(deliver, random.u32(), "receiving", 100);
        }
        break;
      case "lying member":
        this.#at = now + 1;
        if (this.#newSync) this.#nack(deliver, LIAR);
        if (Math.floor(now) % 100 === 0) this.#report(deliver, LIAR, "receiving", 0);
        this.#newSync = false;
        break;
      case "lying members with full rings":
        this.#at = now + 10;
        for (let number = 0; number < LIARS; number += 1) {
          this.#report(deliver, LIAR + number, "receiving", 100);
          this.#nack(deliver, LIAR + number);
        }
        break;
      case "spoofed END":
        this.#at = now + 20;
        this.#end(deliver, SENDER);
        this.#end(deliver, ATTACKER);
        break;
      case "spoofed verdicts":
        this.#at = now + 5;
        for (const node of [1, 2, 3, 4]) {
          for (const state of ["failed", "left", "done"] as const) {
            this.#report(deliver, node, state, 0);
          }
        }
        break;
    }
  }

  #report(deliver: Deliver, node: number, state: ReportState, ringPercent: number): void {
    const lacks = { from: 0, to: 16, ranges: [{ start: 0, end: 16 }] };
    const counts = { netLossQ16: 0, chunksDone: this.#seq, lacking: 16, drainKiBs: 0 };
    const report = { node, state, ringPercent, ...counts, ...lacks, reason: "forged" };
    const length = writeMessage(this.#arena.bytes, this.#offset, reportMessage(report));
    this.#send(deliver, "sender", { length, type: MessageType.report, flags: 0, from: ATTACKER });
  }

  #nack(deliver: Deliver, node: number): void {
    const state = { netLossQ16: 0, drainKiBs: 0, ringPercent: 0, kernelDrops: 0 };
    const clock = { syncNo: this.#syncNo, tUsEcho: this.#tUs, hold100us: 0 };
    const nack = { node, ...clock, ...state, receivedKiBs: 10_000, blocks: this.#blocks };
    const length = writeMessage(this.#arena.bytes, this.#offset, nackMessage(nack));
    this.#send(deliver, "sender", { length, type: MessageType.nack, flags: 0, from: ATTACKER });
  }

  #end(deliver: Deliver, from: Endpoint): void {
    const end = { op: "end", outcome: "aborted", reason: "forged" } as const;
    const length = writeMessage(this.#arena.bytes, this.#offset, controlMessage(end));
    const flags = Flag.unicast;
    this.#send(deliver, "receivers", { length, type: MessageType.control, flags, from });
  }

  #send(
    deliver: Deliver,
    to: "sender" | "receivers",
    made: { length: number; type: MessageType; flags: number; from: Endpoint },
  ): void {
    const { length, type, flags, from } = made;
    const header = { type, flags, sid: splitSid(this.#sid), seq: this.#seq };
    this.#seq += 1;
    this.forged += 1;
    writeHeader(new DataView(this.#arena.memory.buffer), this.#offset, header);
    this.#tagger.seal(this.#offset, length);
    deliver(to, { offset: this.#offset, length, remote: from, dropped: 0 });
  }
}
