/**
 * Goal: a session goes through its phases, asks, repairs and ends as WIRE.md section 4 says.
 * Method: the engine with receivers played by hand; whole sessions are the simulator's.
 */
import { expect, test } from "vitest";
import { createSender } from "../../../../../shared/session/sender/engine.ts";
import type { Sender } from "../../../../../shared/session/sender/engine.ts";
import type { SenderOptions } from "../../../../../shared/session/sender/contract.ts";
import { readAnnounce } from "../../../../../shared/wire/announce.ts";
import { readControl } from "../../../../../shared/wire/control.ts";
import { readSymbolName } from "../../../../../shared/wire/data.ts";
import { MessageType, bodyReader, senderMessageType } from "../../../../../shared/wire/header.ts";
import { readSync } from "../../../../../shared/wire/sync.ts";
import type { Sync } from "../../../../../shared/wire/sync.ts";
import { TestBatch } from "./batch.ts";
import type { Sent } from "./batch.ts";
import { senderOptions } from "./options.ts";
import { Peer } from "./peer.ts";

class Stage {
  readonly options: SenderOptions;
  readonly sender: Sender;
  readonly peer: Peer;
  readonly #batch: TestBatch;
  readonly #view: DataView;
  now = 0;

  constructor(changes: Partial<SenderOptions> = {}) {
    this.options = senderOptions(changes);
    this.#batch = new TestBatch(this.options.arena);
    this.peer = new Peer(this.options, 1);
    this.sender = createSender(this.options);
    this.#view = new DataView(this.options.arena.memory.buffer);
    this.sender.tick(0);
  }

  /** Lets time pass in steps of a millisecond; everything sent meanwhile, by type. */
  run(forMs: number, recordBytes = 1000): Map<MessageType | 0, Uint8Array[]> {
    const sent = new Map<MessageType | 0, Uint8Array[]>();
    for (const end = this.now + forMs; this.now < end; this.now += 1) {
      this.sender.tick(this.now);
      for (const { chunk } of this.sender.requests()) {
        const length = chunk < 4 ? recordBytes : 0;
        this.sender.complete({ kind: "read", chunk, length }, this.now);
      }
      this.sender.transmit(this.#batch, this.now);
      for (const datagram of this.#batch.take()) this.#keep(datagram, sent);
    }
    return sent;
  }

  #keep({ offset, length }: Sent, sent: Map<MessageType | 0, Uint8Array[]>): void {
    expect(this.options.tagger.check(offset, length)).toBe(true);
    const type = senderMessageType(this.#view, offset, length);
    const list = sent.get(type) ?? [];
    list.push(this.options.arena.bytes.slice(offset, offset + length));
    sent.set(type, list);
  }
}

function syncs(sent: Map<MessageType | 0, Uint8Array[]>): Sync[] {
  const list = sent.get(MessageType.sync) ?? [];
  return list.map((bytes) => readSync(bodyReader(bytes, 0, bytes.length)));
}

function symbols(sent: Map<MessageType | 0, Uint8Array[]>): string[] {
  const name = { chunk: 0, block: 0, symbol: 0, chunkSymbols: 0 };
  return (sent.get(MessageType.data) ?? []).map((bytes) => {
    readSymbolName(new DataView(bytes.buffer), 0, name);
    return `${name.chunk}/${name.symbol}`;
  });
}

test("an engine announces while it gathers and sends every symbol once it has members", () => {
  const stage = new Stage();
  const gathering = stage.run(150);
  const announces = gathering.get(MessageType.announce) ?? [];
  expect(announces).toHaveLength(2);
  const [first] = announces;
  if (first === undefined) throw new Error("no announcement");
  expect(readAnnounce(bodyReader(first, 0, first.length))).toMatchObject({
    state: "gathering",
    chunkCount: 4,
    symbolBytes: 256,
  });
  expect(gathering.get(MessageType.data)).toBeUndefined();
  stage.peer.report(stage.sender, { state: "waiting" }, stage.now);
  const names = symbols(stage.run(50));
  expect(names).toHaveLength(16);
  expect(new Set(names).size).toBe(16);
});

test("an engine asks about finished blocks and repairs the deficit once by fresh symbols", () => {
  const stage = new Stage();
  stage.peer.report(stage.sender, {}, stage.now);
  const asked = syncs(stage.run(60));
  expect(new Set(asked.flatMap(({ blocks }) => blocks.map((block) => block.chunk))).size).toBe(4);
  const { syncNo } = asked.at(-1) ?? { syncNo: 0 };
  const lacks = { syncNo, blocks: [{ chunk: 2, block: 0, value: 2 }] };
  stage.peer.nack(stage.sender, lacks, stage.now);
  stage.peer.nack(stage.sender, lacks, stage.now);
  expect(symbols(stage.run(30))).toEqual(["2/4", "2/5"]);
  stage.peer.nack(stage.sender, lacks, stage.now);
  expect(symbols(stage.run(30))).toEqual([]);
});

test("an engine repeats chunks that a report describes as lacking, and nothing else", () => {
  const stage = new Stage();
  stage.peer.report(stage.sender, {}, stage.now);
  stage.run(100);
  const lacks = { lacking: 1, from: 0, to: 4, ranges: [{ start: 3, end: 4 }] };
  stage.peer.report(stage.sender, lacks, stage.now);
  expect(symbols(stage.run(60))).toEqual(["3/0", "3/1", "3/2", "3/3"]);
});

test("an engine ends when its members are done: five times END, then a last event", () => {
  const stage = new Stage();
  stage.peer.report(stage.sender, {}, stage.now);
  stage.run(100);
  stage.peer.report(stage.sender, { state: "done" }, stage.now);
  const controls = (stage.run(600).get(MessageType.control) ?? []).map((bytes) =>
    readControl(bodyReader(bytes, 0, bytes.length)),
  );
  expect(controls.filter(({ op }) => op === "ack")).toHaveLength(1);
  expect(controls.filter(({ op }) => op === "end")).toHaveLength(5);
  expect(stage.sender.events().at(-1)).toMatchObject({ kind: "ended", outcome: "complete" });
  expect(stage.sender.nextWakeup()).toBe(Infinity);
});

test("P3: an engine gives up a silent member and ends partial: nothing waits for ever", () => {
  const stage = new Stage({ policy: { silenceMs: 300 } });
  stage.peer.report(stage.sender, {}, stage.now);
  stage.run(1200);
  const events = stage.sender.events();
  expect(events).toContainEqual(expect.objectContaining({ kind: "member ended", state: "lost" }));
  expect(events.at(-1)).toMatchObject({ kind: "ended", outcome: "partial" });
});

test("an engine ends aborted when nobody joins, or a chunk cannot be read", () => {
  const nobody = new Stage();
  nobody.run(1600);
  expect(nobody.sender.events().at(-1)).toMatchObject({ outcome: "aborted" });
  const torn = new Stage();
  torn.sender.complete({ kind: "read failed", chunk: 2, reason: "torn" }, 0);
  torn.run(600);
  const last = torn.sender.events().at(-1);
  expect(last).toMatchObject({ outcome: "aborted", reason: "chunk 2 cannot be read: torn" });
});

test("an engine finds the end of a pipe and tells it in SYNC", () => {
  const stage = new Stage({ chunkCount: undefined });
  stage.peer.report(stage.sender, {}, stage.now);
  const told = syncs(stage.run(100)).map(({ chunkCount }) => chunkCount);
  expect(told.at(-1)).toBe(4);
  expect(stage.sender.stats().chunkCount).toBe(4);
});

test("an engine sends a probe series before it starts, when the policy says so", () => {
  const stage = new Stage({ policy: { probeCount: 8, probeMs: 16 } });
  stage.peer.report(stage.sender, {}, stage.now);
  const sent = stage.run(60);
  expect(sent.get(MessageType.probe)).toHaveLength(8);
  expect(sent.get(MessageType.data)).toHaveLength(16);
});

test("an engine counts and drops what is not of its session", () => {
  const stage = new Stage();
  const { bytes } = stage.options.arena;
  const offset = stage.options.arena.region(4096);
  bytes.fill(0x41, offset, offset + 100);
  const view = { offset, length: 100, remote: stage.peer.remote, dropped: 0 };
  stage.sender.receive(view, 1);
  expect(stage.sender.stats().dropped).toBe(1);
});
