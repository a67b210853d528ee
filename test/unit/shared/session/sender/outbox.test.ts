/**
 * Goal: what the outbox writes is what WIRE.md says, sealed, numbered, and parity that decodes.
 * Method: datagrams read back with the codecs; a block rebuilt from its parity alone.
 */
import { expect, test } from "vitest";
import { ChunkCache } from "../../../../../shared/session/sender/chunk-cache.ts";
import { Outbox } from "../../../../../shared/session/sender/outbox.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";
import { BlockDecoder } from "../../../../../shared/fec/decode.ts";
import { controlMessage, readControl } from "../../../../../shared/wire/control.ts";
import { DATA_HEADER_BYTES, readSymbolName } from "../../../../../shared/wire/data.ts";
import {
  bodyReader,
  messageSequence,
  senderMessageType,
} from "../../../../../shared/wire/header.ts";
import { TestBatch } from "./batch.ts";
import { blockOf } from "./blocks.ts";
import { GROUP, senderOptions } from "./options.ts";

const K = 20;

function setUp(): {
  readonly options: ReturnType<typeof senderOptions>;
  readonly outbox: Outbox;
  readonly batch: TestBatch;
  readonly block: ReturnType<typeof blockOf>;
} {
  const options = senderOptions({ recordBytesMax: 256 * K });
  const { arena, symbolBytes, recordBytesMax } = options;
  const random = seededRandom(3);
  const sizes = { cacheBytes: 65_536, symbolBytes, recordBytesMax };
  const offset = arena.region(sizes.cacheBytes);
  const cache = new ChunkCache({ bytes: arena.bytes, offset, random, ...sizes });
  const entry = cache.reserve(9);
  if (entry === undefined) throw new Error("no lane");
  for (let at = 0; at < 256 * K; at += 1) arena.bytes[offset + at] = random.below(256);
  cache.loaded(entry, 256 * K);
  return {
    options,
    outbox: new Outbox(options),
    batch: new TestBatch(arena),
    block: blockOf(entry),
  };
}

test("source() and fresh() write sealed DATA whose numbers ascend", () => {
  const { options, outbox, batch, block } = setUp();
  const view = new DataView(options.arena.memory.buffer);
  outbox.begin(batch);
  for (let symbol = 0; symbol < K; symbol += 1) outbox.source(block, symbol, false);
  for (let more = 0; more < 6; more += 1) outbox.fresh(block, 6 - more, true);
  expect(outbox.finish()).toBe(26 * (256 + 32 + 66));
  const name = { chunk: 0, block: 0, symbol: 0, chunkSymbols: 0 };
  for (const [index, { offset, length, remote }] of batch.take().entries()) {
    expect(options.tagger.check(offset, length)).toBe(true);
    expect(senderMessageType(view, offset, length)).toBe(1);
    expect(messageSequence(view, offset)).toBe(index + 1);
    expect(readSymbolName(view, offset, name)).toBe(true);
    expect(name).toEqual({ chunk: 9, block: 0, symbol: index, chunkSymbols: K });
    expect(remote).toBe(GROUP);
  }
});

test("fresh() gives parity from which alone the block is rebuilt", () => {
  const { options, outbox, batch, block } = setUp();
  outbox.begin(batch);
  for (let more = 0; more < K; more += 1) outbox.fresh(block, K - more, true);
  outbox.finish();
  const offsets = new Uint32Array(255);
  const present = new Uint8Array(255);
  const rebuilt = options.arena.region(256 * K);
  for (let i = 0; i < K; i += 1) offsets[i] = rebuilt + i * 256;
  for (const [index, { offset }] of batch.take().entries()) {
    offsets[K + index] = offset + DATA_HEADER_BYTES;
    present[K + index] = 1;
  }
  const decoder = new BlockDecoder(options.kernel);
  expect(decoder.decode({ k: K, symbolBytes: 256, offsets, present })).toBe(K);
  const { bytes } = options.arena;
  const source = bytes.slice(block.offset, block.offset + 256 * K);
  expect(bytes.slice(rebuilt, rebuilt + 256 * K)).toEqual(source);
});

test("fresh() goes on with source symbols when all parity names are used", () => {
  const { options, outbox, batch, block } = setUp();
  while (block.next < 254) block.sentFresh();
  outbox.begin(batch);
  outbox.fresh(block, 3, true);
  outbox.fresh(block, 2, true);
  outbox.finish();
  const view = new DataView(options.arena.memory.buffer);
  const name = { chunk: 0, block: 0, symbol: 0, chunkSymbols: 0 };
  const symbols = batch.take().map(({ offset }) => {
    readSymbolName(view, offset, name);
    return name.symbol;
  });
  expect(symbols).toEqual([254, 0]);
});

test("send() to one receiver has no number and is marked unicast", () => {
  const { options, outbox, batch } = setUp();
  const remote = { address: "10.0.0.9", port: 7 };
  outbox.begin(batch);
  outbox.send(controlMessage({ op: "ack", node: 77 }), remote);
  outbox.send(controlMessage({ op: "end", outcome: "complete", reason: "done" }));
  outbox.finish();
  const view = new DataView(options.arena.memory.buffer);
  const [ack, end] = batch.take();
  if (ack === undefined || end === undefined) throw new Error("nothing written");
  expect(messageSequence(view, ack.offset)).toBe(0);
  expect(view.getUint8(ack.offset + 3)).toBe(8);
  expect(readControl(bodyReader(options.arena.bytes, ack.offset, ack.length))).toEqual({
    op: "ack",
    node: 77,
  });
  expect(messageSequence(view, end.offset)).toBe(1);
  expect(options.tagger.check(end.offset, end.length)).toBe(true);
});

test("nothing is written into a full batch", () => {
  const { options, outbox, block } = setUp();
  outbox.begin(new TestBatch(options.arena, 0));
  expect(outbox.source(block, 0, false)).toBe(false);
  expect(outbox.fresh(block, 1, false)).toBe(false);
  expect(block.issued).toBe(0);
  expect(outbox.finish()).toBe(0);
});
