/** What the tests of shared/fec share: an arena, its symbols, golden files, a generator. */
import { readFileSync } from "node:fs";
import { arenaMemory } from "../../../../shared/core/arena.ts";
import type { FecKernel, KernelName } from "../../../../shared/fec/scheme.ts";
import { TableKernel } from "../../../../shared/fec/table-kernel.ts";
import { createWasmKernel, FEC_SCRATCH_BYTES } from "../../../../shared/fec/wasm-kernel.ts";

export const memory: WebAssembly.Memory = arenaMemory(2 << 20);
export const bytes: Uint8Array = new Uint8Array(memory.buffer);
/** Where symbols begin: behind the scratch of one kernel. */
export const FIRST: number = Math.ceil(FEC_SCRATCH_BYTES / 64) * 64;
export const NAMES: readonly KernelName[] = ["wasm-relaxed", "wasm-simd", "table"];

export function kernelOf(name: KernelName): FecKernel {
  const kernel = name === "table" ? new TableKernel(memory) : createWasmKernel(name, memory, 0);
  if (kernel === undefined) throw new Error(`this Node.js refuses ${name}`);
  return kernel;
}

/** Offsets of `count` symbols side by side, `skip` symbols from the first place. */
export function places(count: number, symbolBytes: number, skip = 0): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => FIRST + (skip + i) * symbolBytes);
}

export const symbolAt = (offset: number | undefined, symbolBytes: number): Buffer =>
  Buffer.from(bytes.slice(offset, (offset ?? 0) + symbolBytes));

/** A small generator with a seed (xorshift32): numbers 0 .. below - 1. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function fillRandom(
  offset: number,
  length: number,
  random: (below: number) => number,
): void {
  for (let i = 0; i < length; i++) bytes[offset + i] = random(256);
}

/** `key: value` lines of a golden file, comments left out. */
export function golden(name: string): [key: string, value: string][] {
  const file = new URL(`../../../vectors/fec/${name}`, import.meta.url);
  const lines = readFileSync(file, "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]);
}
