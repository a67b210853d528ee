/**
 * Goal: any k symbols of a block repair it, whichever they are.
 * Method: every erasure pattern of small codes; 2000 random patterns up to k = 192; real kernels.
 */
import assert from "node:assert/strict";
import { test } from "vitest";
import { BlockDecoder } from "../../../../shared/fec/decode.ts";
import { BlockEncoder } from "../../../../shared/fec/encode.ts";
import type { FecKernel, KernelName } from "../../../../shared/fec/scheme.ts";
import { bytes, fillRandom, kernelOf, NAMES, places, randomOf } from "./arena.ts";

const SYMBOL_BYTES = 32;

/** A block of k random source symbols and all its parity up to id n - 1, at `offsets`. */
function makeBlock(kernel: FecKernel, k: number, n: number, seed: number): Uint32Array {
  const offsets = places(n, SYMBOL_BYTES);
  fillRandom(offsets[0] ?? 0, k * SYMBOL_BYTES, randomOf(seed));
  new BlockEncoder(kernel).encode(offsets.subarray(0, k), SYMBOL_BYTES, k, offsets.subarray(k));
  return offsets;
}

/** Spoils the symbols that are not present, decodes, and compares the source with what it was. */
function repairs(
  decoder: BlockDecoder,
  k: number,
  offsets: Uint32Array,
  present: Uint8Array,
): number {
  const start = offsets[0] ?? 0;
  const before = bytes.slice(start, start + offsets.length * SYMBOL_BYTES);
  present.forEach((here, id) => {
    if (here === 0) bytes.fill(0xa5, offsets[id], (offsets[id] ?? 0) + SYMBOL_BYTES);
  });
  const repaired = decoder.decode({ k, symbolBytes: SYMBOL_BYTES, offsets, present });
  const after = bytes.slice(start, start + k * SYMBOL_BYTES);
  assert(
    Buffer.from(after).equals(before.subarray(0, k * SYMBOL_BYTES)),
    `k ${k}: ${present.join("")}`,
  );
  bytes.set(before, start);
  return repaired;
}

function everyPattern(name: KernelName, k: number, n: number): number {
  const kernel = kernelOf(name);
  const decoder = new BlockDecoder(kernel);
  const offsets = makeBlock(kernel, k, n, k * 100 + n);
  let patterns = 0;
  for (let mask = 0; mask < 1 << n; mask++) {
    const present = Uint8Array.from({ length: n }, (_, id) => (mask >> id) & 1);
    if (present.reduce((sum, here) => sum + here, 0) < k) continue;
    const missing = present.subarray(0, k).filter((here) => here === 0).length;
    assert.equal(repairs(decoder, k, offsets, present), missing);
    patterns += 1;
  }
  return patterns;
}

/** Loses up to 20 of k source symbols; as many parity symbols are here instead, up to id 254. */
function randomPattern(k: number, random: (below: number) => number): Uint8Array {
  const present = new Uint8Array(255).fill(1, 0, k);
  const erasures = Math.min(random(21), k, 255 - k);
  for (let e = 0; e < erasures; e++) present[random(k)] = 0;
  let lacking = present.subarray(0, k).filter((here) => here === 0).length;
  while (lacking > 0) {
    const id = k + random(255 - k);
    if (present[id] === 0) lacking -= 1;
    present[id] = 1;
  }
  return present;
}

test("decode() repairs every erasure pattern of all codes with n = 9, for all kernels", () => {
  for (const name of NAMES) {
    for (let k = 1; k < 9; k++) assert(everyPattern(name, k, 9) > 1);
  }
});

test("decode() repairs every erasure pattern of (12, 4) and (12, 6)", () => {
  assert.equal(everyPattern("wasm-relaxed", 4, 12), 3797);
  assert.equal(everyPattern("wasm-simd", 6, 12), 2510);
});

test("decode() repairs 2000 random patterns of up to 20 erasures, k up to 192", () => {
  const random = randomOf(2025);
  const kernels = NAMES.map(kernelOf);
  for (let block = 0; block < 100; block++) {
    const kernel = kernels[block % 2];
    assert(kernel !== undefined);
    const decoder = new BlockDecoder(kernel);
    const k = 1 + random(192);
    const offsets = makeBlock(kernel, k, 255, 1 + random(1 << 30));
    for (let pattern = 0; pattern < 20; pattern++) {
      repairs(decoder, k, offsets, randomPattern(k, random));
    }
  }
});

test("decode() repairs a block from parity alone, and when half of the largest is lost", () => {
  for (const name of NAMES) {
    const kernel = kernelOf(name);
    const decoder = new BlockDecoder(kernel);
    const few = makeBlock(kernel, 127, 255, 7);
    const parityOnly = new Uint8Array(255).fill(1, 127, 254);
    assert.equal(repairs(decoder, 127, few, parityOnly), 127);
    const large = makeBlock(kernel, 192, 255, 8);
    const mostLost = new Uint8Array(255).fill(1, 63);
    assert.equal(repairs(decoder, 192, large, mostLost), 63);
  }
});

test("decode() touches nothing when no source symbol is missing", () => {
  const kernel = kernelOf("wasm-simd");
  const offsets = makeBlock(kernel, 5, 8, 3);
  const present = Uint8Array.of(1, 1, 1, 1, 1, 0, 1, 0);
  const before = bytes.slice();
  const block = { k: 5, symbolBytes: SYMBOL_BYTES, offsets, present };
  assert.equal(new BlockDecoder(kernel).decode(block), 0);
  assert(Buffer.from(bytes).equals(before));
});

test("decode() asserts when fewer than k symbols are here or the shape is impossible", () => {
  const decoder = new BlockDecoder(kernelOf("table"));
  const offsets = places(255, SYMBOL_BYTES);
  const cases = [
    { k: 3, present: Uint8Array.of(1, 0, 1, 0) },
    { k: 0, present: Uint8Array.of(1) },
    { k: 193, present: new Uint8Array(255).fill(1) },
    { k: 3, present: Uint8Array.of(1, 1) },
    { k: 3, present: new Uint8Array(256).fill(1) },
  ];
  for (const { k, present } of cases) {
    const block = { k, symbolBytes: SYMBOL_BYTES, offsets, present };
    assert.throws(() => decoder.decode(block), assert.AssertionError);
  }
});
