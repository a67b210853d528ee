/** Goal: a block full of parity alone is repaired in place. Method: the largest such block. */
import { expect, test } from "vitest";
import {
  BlockRepairer,
  repairScratchBytes,
} from "../../../../../shared/session/reception/block-repair.ts";
import { Arena, arenaMemory } from "../../../../../shared/core/arena.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";
import { BlockEncoder } from "../../../../../shared/fec/encode.ts";
import { createFecKernel } from "../../../../../shared/fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../../../../shared/fec/wasm-kernel.ts";

test("repair() works with 127 parity symbols and no source at all", () => {
  const k = 127;
  const arena = new Arena(arenaMemory(1 << 20));
  const kernel = createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) });
  const repairer = new BlockRepairer(arena, kernel, arena.region(repairScratchBytes(64)));
  const source = arena.region(k * 64);
  const offset = arena.region(k * 64);
  const random = seededRandom(1);
  for (let at = 0; at < k * 64; at += 1) arena.bytes[source + at] = random.below(256);
  const sources = Uint32Array.from({ length: k }, (_, i) => source + i * 64);
  const outputs = Uint32Array.from({ length: k }, (_, i) => offset + i * 64);
  new BlockEncoder(kernel).encode(sources, 64, k, outputs);
  const symbols = Uint8Array.from({ length: k }, (_, i) => k + i);
  repairer.repair({ kind: "decode", chunk: 0, block: 0, offset, symbolBytes: 64, symbols });
  const rebuilt = arena.bytes.slice(offset, offset + k * 64);
  expect(rebuilt).toEqual(arena.bytes.slice(source, source + k * 64));
});
