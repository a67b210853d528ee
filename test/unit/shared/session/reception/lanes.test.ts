/**
 * Goal: a lane puts any k symbols of a block in its k places, whatever their order, and knows what
 * lacks. Method: random arrivals by property, rebuilt with the real decoder.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  BlockRepairer,
  repairScratchBytes,
} from "../../../../../shared/session/reception/block-repair.ts";
import { PutResult, LaneTable } from "../../../../../shared/session/reception/lanes.ts";
import { Arena, arenaMemory } from "../../../../../shared/core/arena.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";
import { BlockEncoder } from "../../../../../shared/fec/encode.ts";
import { createFecKernel } from "../../../../../shared/fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../../../../shared/fec/wasm-kernel.ts";

const T = 32;
const arena = new Arena(arenaMemory(4 << 20));
const kernel = createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) });
const repairer = new BlockRepairer(arena, kernel, arena.region(repairScratchBytes(T)));
const RING = arena.region(16 * 8192);
const SOURCE = arena.region(255 * T);

function table(recordSymbols: number): LaneTable {
  const ring = { bytes: arena.bytes, offset: RING, ringBytes: 16 * 8192 };
  return new LaneTable({ ...ring, symbolBytes: T, recordBytesMax: recordSymbols * T });
}

/** Fills SOURCE with k random symbols and all parity of the block behind them. */
function makeBlock(k: number, seed: number): void {
  const random = seededRandom(seed);
  for (let at = 0; at < k * T; at += 1) arena.bytes[SOURCE + at] = random.below(256);
  const sources = Uint32Array.from({ length: k }, (_, i) => SOURCE + i * T);
  const outputs = Uint32Array.from({ length: 255 - k }, (_, i) => SOURCE + (k + i) * T);
  new BlockEncoder(kernel).encode(sources, T, k, outputs);
}

test("any k symbols in any order give the block back", () => {
  const shape = fc.record({ k: fc.integer({ min: 1, max: 192 }), seed: fc.nat() });
  fc.assert(
    fc.property(shape, ({ k, seed }) => {
      makeBlock(k, seed);
      const random = seededRandom(seed + 1);
      const lanes = table(192);
      const lane = lanes.take(3, k, 0);
      let put: PutResult = PutResult.surplus;
      let kept = 0;
      while (put !== PutResult.blockComplete && put !== PutResult.blockRepairable) {
        const symbol = random.below(255);
        put = lanes.put(lane, 0, symbol, SOURCE + symbol * T, 1);
        if (put !== PutResult.surplus) kept += 1;
        expect(lanes.deficit(lane, 0)).toBe(put === PutResult.blockRepairable ? 0 : k - kept);
      }
      expect(kept).toBe(k);
      if (put === PutResult.blockRepairable) {
        const symbols = lanes.symbolsIn(lane, 0);
        const offset = lanes.blockOffset(lane, 0);
        repairer.repair({ kind: "decode", chunk: 3, block: 0, offset, symbolBytes: T, symbols });
        lanes.repaired(lane, 0);
      }
      expect(lanes.isComplete(lane)).toBe(true);
      const offset = lanes.offsetOf(lane);
      const rebuilt = arena.bytes.slice(offset, offset + k * T);
      expect(rebuilt).toEqual(arena.bytes.slice(SOURCE, SOURCE + k * T));
    }),
    { numRuns: 60 },
  );
});

test("put() counts a symbol once", () => {
  const lanes = table(10);
  const lane = lanes.take(1, 10, 0);
  expect(lanes.put(lane, 0, 4, SOURCE, 0)).toBe(PutResult.kept);
  expect(lanes.put(lane, 0, 4, SOURCE, 0)).toBe(PutResult.surplus);
  expect(lanes.put(lane, 0, 200, SOURCE, 0)).toBe(PutResult.kept);
  expect(lanes.put(lane, 0, 200, SOURCE, 0)).toBe(PutResult.surplus);
  expect(lanes.deficit(lane, 0)).toBe(8);
});

test("a lane is clean when it is taken again", () => {
  const lanes = table(10);
  const lane = lanes.take(1, 10, 0);
  lanes.put(lane, 0, 4, SOURCE, 0);
  lanes.setAsked(lane, 0);
  lanes.release(lane);
  expect(lanes.take(2, 10, 5)).toBe(lane);
  expect(lanes.deficit(lane, 0)).toBe(10);
  expect(lanes.wasAsked(lane, 0)).toBe(false);
});

test("take() gives no lane beyond the ring, and stalest() finds the one to give up", () => {
  const lanes = table(300);
  const taken = Array.from({ length: lanes.count }, (_, chunk) => lanes.take(chunk, 300, chunk));
  expect(lanes.count).toBeGreaterThan(3);
  expect(lanes.take(999, 300, 0)).toBe(-1);
  expect(lanes.stalest(2)).toBe(taken[0]);
  lanes.setDelivering(taken[0] ?? -1);
  expect(lanes.stalest(2)).toBe(taken[1]);
  expect(lanes.stalest(1)).toBe(-1);
});

test("a chunk of 300 symbols has two blocks, each complete by itself", () => {
  const lanes = table(300);
  const lane = lanes.take(1, 300, 0);
  for (let symbol = 0; symbol < 150; symbol += 1) lanes.put(lane, 1, symbol, SOURCE, 0);
  expect([lanes.deficit(lane, 0), lanes.deficit(lane, 1)]).toEqual([150, 0]);
  expect(lanes.isComplete(lane)).toBe(false);
  expect(lanes.blockOffset(lane, 1) - lanes.offsetOf(lane)).toBe(150 * T);
});
