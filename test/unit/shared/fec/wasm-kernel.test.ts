/**
 * Goal: both WebAssembly builds give the bytes of the table kernel and touch nothing else.
 * Method: random shapes, all 256 coefficients, guard bytes round outputs and scratch, a memory
 * that grows, two kernels in one memory.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { TableKernel } from "../../../../shared/fec/table-kernel.ts";
import { createWasmKernel, FEC_SCRATCH_BYTES } from "../../../../shared/fec/wasm-kernel.ts";
import type { WasmKernelName } from "../../../../shared/fec/wasm-kernel.ts";
import { bytes, fillRandom, FIRST, kernelOf, memory, places, randomOf, symbolAt } from "./arena.ts";

const BUILDS: readonly WasmKernelName[] = ["wasm-relaxed", "wasm-simd"];
const shape = fc.record({
  count: fc.integer({ min: 1, max: 192 }),
  rows: fc.integer({ min: 1, max: 9 }),
  symbolBytes: fc.constantFrom(32, 64, 96, 160, 1152, 1408, 8896),
  seed: fc.integer({ min: 1, max: 1 << 30 }),
});

for (const name of BUILDS) {
  test(`multiply() of ${name} equals the table kernel on random shapes`, () => {
    const wasm = kernelOf(name);
    const table = new TableKernel(memory);
    fc.assert(
      fc.property(shape, ({ count, rows, symbolBytes, seed }) => {
        const random = randomOf(seed);
        fillRandom(FIRST, count * symbolBytes, random);
        const coefficients = Uint8Array.from({ length: count * rows }, () => random(256));
        const inputs = places(count, symbolBytes);
        // A free symbol on each side of the outputs guards against writes too early or too late.
        const outputs = places(rows, symbolBytes, count + 1);
        const from = FIRST + count * symbolBytes;
        const end = from + (rows + 2) * symbolBytes;
        bytes.fill(0x77, from, end);
        table.multiply(inputs, outputs, coefficients, symbolBytes);
        const expected = bytes.slice(FIRST, end);
        bytes.fill(0x77, from, end);
        wasm.multiply(inputs, outputs, coefficients, symbolBytes);
        assert(Buffer.from(bytes.slice(FIRST, end)).equals(expected));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test(`multiply() of ${name} knows all coefficients and all bytes`, () => {
    const wasm = kernelOf(name);
    const table = new TableKernel(memory);
    const inputs = places(1, 256);
    const outputs = places(2, 256, 1);
    for (let b = 0; b < 256; b++) bytes[FIRST + b] = b;
    for (let c = 0; c < 256; c++) {
      wasm.multiply(inputs, outputs.subarray(0, 1), Uint8Array.of(c), 256);
      table.multiply(inputs, outputs.subarray(1), Uint8Array.of(c), 256);
      assert.deepEqual(symbolAt(outputs[0], 256), symbolAt(outputs[1], 256));
    }
  });
}

test("multiply() keeps to its scratch, also when two kernels share a memory", () => {
  const shared = new WebAssembly.Memory({ initial: 2, maximum: 3, shared: true });
  const all = new Uint8Array(shared.buffer).fill(0x5a);
  const second = Math.ceil(FEC_SCRATCH_BYTES / 32) * 32;
  const one = createWasmKernel("wasm-simd", shared, 0);
  const two = createWasmKernel("wasm-simd", shared, second);
  assert(one !== undefined && two !== undefined);
  const output = all.length - 32;
  one.multiply(Uint32Array.of(65_536), Uint32Array.of(output), Uint8Array.of(1), 32);
  two.multiply(Uint32Array.of(65_536), Uint32Array.of(output - 32), Uint8Array.of(0), 32);
  one.multiply(Uint32Array.of(65_536), Uint32Array.of(output), Uint8Array.of(1), 32);
  const untouched = all.slice(second + FEC_SCRATCH_BYTES, output - 32);
  assert(untouched.every((byte) => byte === 0x5a));
  assert.deepEqual(all.slice(output - 32), new Uint8Array(64).fill(0x5a, 32));
  shared.grow(1);
  one.multiply(Uint32Array.of(output), Uint32Array.of(all.length), Uint8Array.of(1), 32);
  assert.equal(new Uint8Array(shared.buffer)[all.length], 0x5a);
});

test("multiply() asserts when a symbol or its length is out of range", () => {
  const kernel = kernelOf("wasm-simd");
  const [input, output] = [places(1, 32), places(1, 32, 1)];
  const outside = Uint32Array.of(bytes.length - 31);
  const cases = [
    [outside, output, 32, 1],
    [input, outside, 32, 1],
    [input, output, 33, 1],
    [input, output, 0, 1],
    [input, output, 9248, 1],
    [new Uint32Array(193).fill(FIRST), output, 32, 193],
    [input, output, 32, 0],
  ] as const;
  for (const [inputs, outputs, symbolBytes, count] of cases) {
    const coefficients = new Uint8Array(count);
    assert.throws(() => {
      kernel.multiply(inputs, outputs, coefficients, symbolBytes);
    }, assert.AssertionError);
  }
  assert.throws(() => createWasmKernel("wasm-simd", memory, 8), assert.AssertionError);
  assert.throws(() => createWasmKernel("wasm-simd", memory, bytes.length), assert.AssertionError);
});
