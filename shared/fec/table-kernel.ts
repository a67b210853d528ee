/**
 * The plain kernel: a 256 x 256 table of products, byte by byte, in TypeScript.
 *
 * It is so short that one can see that it is right. The WebAssembly kernels are tested against it,
 * and it does the coding if the processor or the runtime has no SIMD. It is tens of times slower.
 * It needs no scratch in the arena.
 */
import assert from "node:assert";
import { multiply as product } from "./gf256.ts";
import { assertWork } from "./scheme.ts";
import type { FecKernel } from "./scheme.ts";

export class TableKernel implements FecKernel {
  readonly name = "table";
  readonly #memory: WebAssembly.Memory;
  readonly #products: Uint8Array = productTable();
  #bytes: Uint8Array;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /** @inheritdoc */
  multiply(
    inputs: Uint32Array,
    outputs: Uint32Array,
    coefficients: Uint8Array,
    symbolBytes: number,
  ): void {
    // A memory that has grown has a new buffer, and the old view would end too early.
    if (this.#bytes.buffer !== this.#memory.buffer) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
    }
    assertWork(inputs, outputs, symbolBytes, this.#bytes.length);
    assert(coefficients.length >= inputs.length * outputs.length, "too few coefficients");
    for (let r = 0; r < outputs.length; r++) {
      const output = outputs[r]!;
      this.#bytes.fill(0, output, output + symbolBytes);
      for (let i = 0; i < inputs.length; i++) {
        this.#add(coefficients[r * inputs.length + i]!, inputs[i]!, output, symbolBytes);
      }
    }
  }

  #add(coefficient: number, input: number, output: number, symbolBytes: number): void {
    const bytes = this.#bytes;
    const products = this.#products;
    const row = coefficient << 8;
    for (let b = 0; b < symbolBytes; b++) {
      bytes[output + b]! ^= products[row + bytes[input + b]!]!;
    }
  }
}

function productTable(): Uint8Array {
  const table = new Uint8Array(256 * 256);
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) table[(a << 8) + b] = product(a, b);
  }
  return table;
}
