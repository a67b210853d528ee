/**
 * Goal: the plain kernel computes sums of products.
 * Method: the definition, byte by byte, with multiply() of the field; a memory that grows.
 */
import assert from "node:assert/strict";
import { test } from "vitest";
import { multiply } from "../../../../shared/fec/gf256.ts";
import { TableKernel } from "../../../../shared/fec/table-kernel.ts";
import { bytes, fillRandom, FIRST, memory, places, randomOf } from "./arena.ts";

test("TableKernel.multiply() is the sum of products of the definition", () => {
  const [count, rows, symbolBytes] = [5, 3, 64];
  const inputs = places(count, symbolBytes);
  const outputs = places(rows, symbolBytes, count);
  fillRandom(FIRST, (count + rows) * symbolBytes, randomOf(11));
  const coefficients = Uint8Array.from({ length: count * rows }, (_, i) => i * 17);
  new TableKernel(memory).multiply(inputs, outputs, coefficients, symbolBytes);
  outputs.forEach((output, r) => {
    for (let b = 0; b < symbolBytes; b++) {
      const products = Array.from(inputs, (input, i) =>
        multiply(coefficients[r * count + i] ?? 0, bytes[input + b] ?? 0),
      );
      assert.equal(
        bytes[output + b],
        products.reduce((sum, product) => sum ^ product),
      );
    }
  });
});

test("TableKernel.multiply() reaches symbols in pages added after it was made", () => {
  const growing = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
  const kernel = new TableKernel(growing);
  growing.grow(1);
  const grown = new Uint8Array(growing.buffer).fill(3, 0, 32);
  kernel.multiply(Uint32Array.of(0), Uint32Array.of(70_000), Uint8Array.of(2), 32);
  assert.deepEqual(grown.slice(70_000, 70_032), new Uint8Array(32).fill(6));
});
