/**
 * The WebAssembly kernel: fills in the scratch region and calls the loop of kernel/*.as.ts.
 *
 * The loop gets its input through a scratch region of the arena, four outputs at a time. So a call
 * has only four arguments, scratch is small and of fixed size, and several threads share one memory
 * without sharing scratch. Layout: kernel/reed-solomon.as.ts.
 */
import assert from "node:assert";
import { multiply as product } from "./gf256.ts";
import { SOURCE_SYMBOLS_MAX } from "./partition.ts";
import { RELAXED_SIMD_BASE64, SIMD_BASE64 } from "./reed-solomon-wasm.ts";
import { assertWork } from "./scheme.ts";
import type { FecKernel } from "./scheme.ts";

/** Outputs that the loop keeps in registers. */
const GROUP = 4;
/** Length of the nibble tables of one coefficient. Unit: bytes. */
const TABLE_BYTES = 32;
const INPUTS_AT = 256 * TABLE_BYTES;
const TABLES_AT = INPUTS_AT + 4 * SOURCE_SYMBOLS_MAX;
const OUTPUTS_AT = TABLES_AT + 4 * GROUP * SOURCE_SYMBOLS_MAX;
/** Arena bytes that one kernel needs for itself, whatever the block. */
export const FEC_SCRATCH_BYTES: number = OUTPUTS_AT + 4 * GROUP;
/** Scratch begins at a multiple of this, so that vectors are loaded aligned. Unit: bytes. */
const SCRATCH_ALIGNMENT = 32;

/** The exports of kernel/reed-solomon.as.ts. */
interface Exports {
  readonly multiply: (scratch: number, count: number, rows: number, symbolBytes: number) => void;
}

/** The two builds of the loop. */
export type WasmKernelName = "wasm-relaxed" | "wasm-simd";

/** Coding with 128-bit SIMD. Make one with {@link createWasmKernel}. */
class WasmKernel implements FecKernel {
  readonly name: WasmKernelName;
  readonly #memory: WebAssembly.Memory;
  readonly #scratch: number;
  readonly #exports: Exports;
  #words: Uint32Array;

  constructor(
    name: WasmKernelName,
    memory: WebAssembly.Memory,
    scratch: number,
    module: WebAssembly.Module,
  ) {
    const end = scratch + FEC_SCRATCH_BYTES;
    assert(scratch % SCRATCH_ALIGNMENT === 0, `scratch at ${scratch}`);
    assert(end <= memory.buffer.byteLength, `scratch ends at ${end}`);
    this.name = name;
    this.#memory = memory;
    this.#scratch = scratch;
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    this.#exports = instance.exports as unknown as Exports;
    this.#words = new Uint32Array(memory.buffer);
    fillNibbleTables(new Uint8Array(memory.buffer, scratch, INPUTS_AT));
  }

  multiply(
    inputs: Uint32Array,
    outputs: Uint32Array,
    coefficients: Uint8Array,
    symbolBytes: number,
  ): void {
    // A memory that has grown has a new buffer, and the old view would end too early.
    if (this.#words.buffer !== this.#memory.buffer) {
      this.#words = new Uint32Array(this.#memory.buffer);
    }
    assertWork(inputs, outputs, symbolBytes, this.#words.byteLength);
    assert(coefficients.length >= inputs.length * outputs.length, "too few coefficients");
    this.#words.set(inputs, (this.#scratch + INPUTS_AT) >>> 2);
    for (let first = 0; first < outputs.length; first += GROUP) {
      const rows = Math.min(GROUP, outputs.length - first);
      const outputsAt = (this.#scratch + OUTPUTS_AT) >>> 2;
      for (let r = 0; r < rows; r++) {
        this.#words[outputsAt + r] = outputs[first + r]!;
        this.#chooseTables(coefficients, (first + r) * inputs.length, inputs.length, r);
      }
      this.#exports.multiply(this.#scratch, inputs.length, rows, symbolBytes);
    }
  }

  /**
   * Writes, for row `r` of the group, the addresses of the nibble tables of `count` coefficients
   * from `from` on.
   */
  #chooseTables(coefficients: Uint8Array, from: number, count: number, r: number): void {
    const words = this.#words;
    const scratch = this.#scratch;
    let at = ((scratch + TABLES_AT) >>> 2) + r;
    for (let i = 0; i < count; i++) {
      words[at] = scratch + TABLE_BYTES * coefficients[from + i]!;
      at += GROUP;
    }
  }
}

/**
 * Makes a kernel of one build, if this runtime accepts that build.
 *
 * @param memory - The arena; must be shared.
 * @param scratch - Arena offset, a multiple of 32, of {@link FEC_SCRATCH_BYTES} bytes that nobody
 *   else uses while the kernel lives.
 * @returns The kernel, or undefined if the runtime or the processor refuses the build.
 */
export function createWasmKernel(
  name: WasmKernelName,
  memory: WebAssembly.Memory,
  scratch: number,
): FecKernel | undefined {
  const base64 = name === "wasm-relaxed" ? RELAXED_SIMD_BASE64 : SIMD_BASE64;
  const binary = Buffer.from(base64, "base64");
  if (!WebAssembly.validate(binary)) return undefined;
  return new WasmKernel(name, memory, scratch, new WebAssembly.Module(binary));
}

/** Entry c: 16 products of c with 0 .. 15, then 16 products of c with 0, 16, .. 240. */
function fillNibbleTables(tables: Uint8Array): void {
  for (let c = 0; c < 256; c++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      tables[c * TABLE_BYTES + nibble] = product(c, nibble);
      tables[c * TABLE_BYTES + 16 + nibble] = product(c, nibble << 4);
    }
  }
}
