/** Options of a small reception and a sender played by hand, for the tests of the reception. */
import type { ReceptionOptions } from "../../../../../shared/session/reception/contract.ts";
import type { Reception } from "../../../../../shared/session/reception/engine.ts";
import { Arena, arenaMemory } from "../../../../../shared/core/arena.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";
import { advMessage } from "../../../../../shared/wire/adv.ts";
import type { Adv } from "../../../../../shared/wire/adv.ts";
import { announceMessage } from "../../../../../shared/wire/announce.ts";
import type { Announce } from "../../../../../shared/wire/announce.ts";
import { controlMessage } from "../../../../../shared/wire/control.ts";
import type { Control } from "../../../../../shared/wire/control.ts";
import {
  DATA_HEADER_BYTES,
  DATA_OVERHEAD_BYTES,
  writeSymbolName,
} from "../../../../../shared/wire/data.ts";
import { MessageType, splitSid, writeHeader } from "../../../../../shared/wire/header.ts";
import { probeMessage } from "../../../../../shared/wire/probe.ts";
import { syncMessage } from "../../../../../shared/wire/sync.ts";
import type { Sync } from "../../../../../shared/wire/sync.ts";
import { createTagger } from "../../../../../shared/wire/tag.ts";
import type { OutgoingMessage } from "../../../../../shared/wire/message.ts";
import { writeMessage } from "../../../../rig/wire-vector.ts";

export const SID = 0x99n;
export const SYMBOL_BYTES = 32;
const KEY = new Uint8Array(16).fill(9);

export function receptionOptions(changes: Partial<ReceptionOptions> = {}): ReceptionOptions {
  const arena = changes.arena ?? new Arena(arenaMemory(1 << 20));
  return {
    arena,
    tagger: createTagger(arena.memory, KEY),
    random: seededRandom(1),
    node: 5,
    ringBytes: 8 * 4096,
    canFetch: false,
    inOrder: false,
    ...changes,
  };
}

/** A sync with nothing in it. */
export function syncOf(changes: Partial<Sync> = {}): Sync {
  const clock = { syncNo: 1, tUs: 5_000_000n, rateKiBs: 0, lossQ16: 0 };
  const group = { backoffQuarterMs: 0, log2Members: 0, grttMs: 5, pass: 1, frontier: 0 };
  return { ...clock, ...group, chunkCount: 3, blocks: [], ...changes };
}

export class Stage {
  remote: { readonly address: string; readonly port: number } = {
    address: "10.0.0.7",
    port: 7001,
  };
  readonly options: ReceptionOptions;
  readonly #at: number;
  #seq = 1;

  constructor(options: ReceptionOptions) {
    this.options = options;
    this.#at = options.arena.region(4096);
  }

  announce(engine: Reception, changes: Partial<Announce>, now: number): void {
    const shape = { symbolBytes: SYMBOL_BYTES, kind: "cast" as const, chunkCount: 3 };
    const session = { state: "gathering" as const, recordBytesMax: 128, feedbackPort: 7000 };
    const times = { reportSpreadMs: 4, membersMin: 1, members: 0, startsInMs: 0 };
    const imageId = new Uint8Array(32);
    const message = { ...shape, ...session, ...times, imageId, ...changes };
    const length = this.#write(announceMessage(message));
    this.#send(engine, length, MessageType.announce, now);
  }

  /** Symbol `symbol` of a chunk of 4 symbols; its bytes are all `fill`. */
  data(engine: Reception, chunk: number, symbol: number, now: number): void {
    const { arena } = this.options;
    const view = new DataView(arena.memory.buffer);
    writeSymbolName(view, this.#at, { chunk, block: 0, symbol, chunkSymbols: 4 });
    const payload = this.#at + DATA_HEADER_BYTES;
    arena.bytes.fill(chunk * 16 + symbol, payload, payload + SYMBOL_BYTES);
    this.#send(engine, SYMBOL_BYTES + DATA_OVERHEAD_BYTES, MessageType.data, now);
  }

  sync(engine: Reception, changes: Partial<Sync>, now: number, flags = 0): void {
    const length = this.#write(syncMessage(syncOf(changes), 0));
    this.#send(engine, length, MessageType.sync, now, flags);
  }

  adv(engine: Reception, adv: Adv, now: number): void {
    const length = this.#write(advMessage(adv));
    this.#send(engine, length, MessageType.adv, now);
  }

  control(engine: Reception, control: Control, now: number): void {
    const length = this.#write(controlMessage(control));
    this.#send(engine, length, MessageType.control, now);
  }

  probe(engine: Reception, index: number, now: number): void {
    const probe = { index, count: 4, series: 1 };
    const length = this.#write(probeMessage(probe, SYMBOL_BYTES));
    this.#send(engine, length, MessageType.probe, now);
  }

  #write(message: OutgoingMessage): number {
    return writeMessage(this.options.arena.bytes, this.#at, message);
  }

  // eslint-disable-next-line max-params -- one line per message above
  #send(engine: Reception, length: number, type: MessageType, now: number, flags = 0): void {
    const { arena, tagger } = this.options;
    const view = new DataView(arena.memory.buffer);
    writeHeader(view, this.#at, { type, flags, sid: splitSid(SID), seq: this.#seq });
    this.#seq += 1;
    tagger.seal(this.#at, length);
    engine.receive({ offset: this.#at, length, remote: this.remote, dropped: 0 }, now);
  }
}
