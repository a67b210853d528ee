/**
 * Goal: symbols become chunks, in order when wanted, and content that is wrong is never kept.
 * Method: DATA written by hand, the driver's answers by hand.
 */
import { expect, test } from "vitest";
import { Assembly } from "../../../../../shared/session/reception/assembly.ts";
import type { ReceptionOptions } from "../../../../../shared/session/reception/contract.ts";
import { RECEPTION_POLICY } from "../../../../../shared/session/reception/policy.ts";
import { DATA_OVERHEAD_BYTES, writeSymbolName } from "../../../../../shared/wire/data.ts";
import { SID, SYMBOL_BYTES, receptionOptions } from "./options.ts";

function setUp(changes: Partial<ReceptionOptions> = {}): {
  readonly assembly: Assembly;
  readonly put: (chunk: number, symbol: number, symbols?: number, now?: number) => void;
} {
  const options = receptionOptions(changes);
  const ringOffset = options.arena.region(options.ringBytes);
  const at = options.arena.region(4096);
  const shape = { symbolBytes: SYMBOL_BYTES, recordBytesMax: 128, chunkCount: 20 };
  const facts = { sid: SID, kind: "image" as const, imageId: new Uint8Array(32), ...shape };
  const policy = RECEPTION_POLICY;
  const assembly = new Assembly({ options, facts, policy, ringOffset });
  assembly.chunks.setCount(20);
  const view = new DataView(options.arena.memory.buffer);
  return {
    assembly,
    put: (chunk, symbol, symbols = 2, now = 0) => {
      writeSymbolName(view, at, { chunk, block: 0, symbol, chunkSymbols: symbols });
      assembly.data(at, SYMBOL_BYTES + DATA_OVERHEAD_BYTES, now);
    },
  };
}

test("a complete chunk is delivered, and done when the driver says so", () => {
  const { assembly, put } = setUp();
  put(3, 0);
  expect(assembly.takeRequests()).toEqual([]);
  put(3, 1);
  expect(assembly.takeRequests()).toMatchObject([{ kind: "deliver", chunk: 3, length: 64 }]);
  assembly.finish({ kind: "delivered", chunk: 3, outcome: "ok" }, 1);
  expect(assembly.chunks.done).toBe(1);
  put(3, 0);
  expect(assembly.counters.surplus).toBe(1);
});

test("a block with parity is decoded before its chunk is delivered", () => {
  const { assembly, put } = setUp();
  put(3, 0);
  put(3, 9);
  const [decode] = assembly.takeRequests();
  expect(decode).toMatchObject({ kind: "decode", chunk: 3, symbols: Uint8Array.of(0, 9) });
  assembly.finish({ kind: "decoded", chunk: 3, block: 0 }, 1);
  expect(assembly.takeRequests()).toMatchObject([{ kind: "deliver", chunk: 3 }]);
});

test("in order, chunks wait for those before them, and those too far ahead are refused", () => {
  const { assembly, put } = setUp({ inOrder: true });
  for (const chunk of [2, 1]) for (const symbol of [0, 1]) put(chunk, symbol);
  expect(assembly.takeRequests()).toEqual([]);
  put(assembly.lanes.count, 0);
  expect(assembly.counters.shed).toBe(1);
  for (const symbol of [0, 1]) put(0, symbol);
  const delivered: number[] = [];
  for (let [next] = assembly.takeRequests(); next !== undefined; [next] = assembly.takeRequests()) {
    delivered.push(next.chunk);
    assembly.finish({ kind: "delivered", chunk: next.chunk, outcome: "ok" }, 1);
  }
  expect(delivered).toEqual([0, 1, 2]);
});

test("a record length that disagrees with the image's table is dropped", () => {
  const { assembly, put } = setUp({ recordLengths: new Uint32Array(20).fill(33) });
  put(3, 0, 3);
  expect(assembly.counters.malformed).toBe(1);
  put(3, 0, 2);
  put(3, 1, 2);
  expect(assembly.takeRequests()).toMatchObject([{ kind: "deliver", length: 33 }]);
});

test("the first DATA of a chunk decides its shape; later ones that differ are dropped", () => {
  const { assembly, put } = setUp();
  put(3, 0, 4);
  put(3, 1, 3);
  expect(assembly.counters.malformed).toBe(1);
  expect(assembly.counters.kept).toBe(1);
});

test("new chunks are shed while no lane is free, and take a stale one's lane later", () => {
  const { assembly, put } = setUp();
  for (let chunk = 0; chunk < assembly.lanes.count; chunk += 1) put(chunk, 0);
  put(19, 0);
  expect(assembly.counters.shed).toBe(1);
  put(19, 0, 2, RECEPTION_POLICY.staleLaneMs + 1);
  expect(assembly.chunks.laneOf(19)).toBeGreaterThanOrEqual(0);
  expect(assembly.chunks.isLacking(0)).toBe(true);
});

test("wrong content makes the chunk lack again, then fetches it, or fails without unicast", () => {
  for (const canFetch of [true, false]) {
    const { assembly, put } = setUp({ canFetch });
    for (let time = 1; time <= 2; time += 1) {
      for (const symbol of [0, 1]) put(5, symbol);
      assembly.takeRequests();
      expect(assembly.finish({ kind: "delivered", chunk: 5, outcome: "bad" }, 1)).toBe(time);
    }
    assembly.pumpFetches();
    const wanted = canFetch ? [{ kind: "fetch", chunk: 5 }] : [];
    expect(assembly.takeRequests()).toEqual(wanted);
    expect(assembly.failure?.code).toBe(canFetch ? undefined : "bad_content");
  }
});

test("describe() leaves chunks in progress out until they are stuck", () => {
  const { assembly, put } = setUp();
  put(0, 0);
  expect(assembly.describe(0, 10, 10).ranges).toEqual([{ start: 1, end: 20 }]);
  const later = RECEPTION_POLICY.staleLaneMs + 10;
  expect(assembly.describe(0, 10, later).ranges).toEqual([{ start: 0, end: 20 }]);
});

test("a chunk that turns out wrong after multicast is over is fetched with the rest", () => {
  const { assembly, put } = setUp({ canFetch: true });
  for (const symbol of [0, 1]) put(0, symbol);
  assembly.takeRequests();
  assembly.fetchRest();
  assembly.pumpFetches();
  for (let next = assembly.takeRequests(); next.length > 0; next = assembly.takeRequests()) {
    for (const { chunk } of next) assembly.finish({ kind: "fetched", chunk, outcome: "ok" }, 1);
    assembly.pumpFetches();
  }
  assembly.finish({ kind: "delivered", chunk: 0, outcome: "bad" }, 2);
  assembly.pumpFetches();
  expect(assembly.takeRequests()).toEqual([{ kind: "fetch", chunk: 0 }]);
});
