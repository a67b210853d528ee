/**
 * The interface of a coding kernel: sums of products of whole symbols, in place, in the arena.
 *
 * Encoding and decoding are the same work, outputs = coefficients x inputs over GF(2^8); only the
 * coefficients differ. A kernel does that work and knows nothing of blocks, names or losses.
 * Formulae: FEC.md. kernel.ts decides which kernel a thread gets.
 */
import assert from "node:assert";
import { SOURCE_SYMBOLS_MAX } from "./partition.ts";

/** Symbols have a length that is a multiple of this. Unit: bytes. */
const SYMBOL_ALIGNMENT = 32;
/** Number of symbol names in a block, 0 .. 254: one byte, in which 255 is kept to mean "all". */
export const SYMBOL_IDS = 255;
/** Longest symbol: an Ethernet frame of 9 KiB holds no more. Unit: bytes. */
const SYMBOL_BYTES_MAX = 9216;

/** Implementation of a kernel: relaxed SIMD, plain SIMD, or a table of products in TypeScript. */
export type KernelName = "wasm-relaxed" | "wasm-simd" | "table";

/** The inner loop of coding. One per thread, because each needs its own scratch. */
export interface FecKernel {
  /** All kernels give the same bytes. */
  readonly name: KernelName;
  /**
   * Computes output[r] = sum over i of coefficients[r * inputs.length + i] * input[i], for every r.
   *
   * Asserts the ranges; outputs must not overlap inputs or one another. Allocates nothing.
   *
   * @param inputs - Arena offsets of 1 .. 192 symbols.
   * @param outputs - Arena offsets of 1 .. 255 symbols, overwritten.
   * @param coefficients - Row after row; bytes beyond inputs x outputs are not read.
   * @param symbolBytes - Length of every symbol: a multiple of 32, at most 9216.
   */
  multiply(
    inputs: Uint32Array,
    outputs: Uint32Array,
    coefficients: Uint8Array,
    symbolBytes: number,
  ): void;
}

/** Asserts that a kernel's work lies inside the arena, so that kernels need no checks. */
export function assertWork(
  inputs: Uint32Array,
  outputs: Uint32Array,
  symbolBytes: number,
  arenaBytes: number,
): void {
  assert(symbolBytes > 0 && symbolBytes % SYMBOL_ALIGNMENT === 0, `symbol of ${symbolBytes} bytes`);
  assert(symbolBytes <= SYMBOL_BYTES_MAX, `symbol of ${symbolBytes} bytes`);
  assert(inputs.length >= 1 && inputs.length <= SOURCE_SYMBOLS_MAX, `${inputs.length} inputs`);
  assert(outputs.length >= 1 && outputs.length <= SYMBOL_IDS, `${outputs.length} outputs`);
  let last = 0;
  for (let i = 0; i < inputs.length; i++) last = Math.max(last, inputs[i]!);
  for (let r = 0; r < outputs.length; r++) last = Math.max(last, outputs[r]!);
  assert(last + symbolBytes <= arenaBytes, `symbol at ${last} of ${arenaBytes} bytes`);
}
