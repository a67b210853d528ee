/**
 * Makes parity symbols of a source block.
 *
 * Parity symbol j is the sum of all source symbols i, each times 1 / (j + i) in GF(2^8). Row j
 * depends on j and k alone, so any sender makes the same parity at any time. Formulae: FEC.md
 * section 3. The callers decide what is sent, and when.
 */
import assert from "node:assert";
import { inverse } from "./gf256.ts";
import { SOURCE_SYMBOLS_MAX } from "./partition.ts";
import { SYMBOL_IDS } from "./scheme.ts";
import type { FecKernel } from "./scheme.ts";

/**
 * Makes parity with one kernel; its coefficients are kept between calls, so nothing is allocated.
 */
export class BlockEncoder {
  readonly #kernel: FecKernel;
  /** At most 255 - k rows of k coefficients: k * (255 - k) is largest at k = 127 and 128. */
  readonly #coefficients = new Uint8Array(127 * 128);
  #sourceCount = 0;
  #firstParity = 0;
  #parityCount = 0;

  constructor(kernel: FecKernel) {
    this.#kernel = kernel;
  }

  /**
   * Computes parity symbols `firstParity`, `firstParity` + 1, .. one per output.
   *
   * Asserts the ranges. Outputs must not overlap the source or one another.
   *
   * @param source - Arena offsets of the k source symbols in order, 1 .. 192.
   * @param symbolBytes - Length of every symbol: a multiple of 32.
   * @param firstParity - Symbol id of the first parity symbol, k .. 254.
   * @param outputs - Arena offsets to write to; the last one's id is at most 254.
   */
  encode(
    source: Uint32Array,
    symbolBytes: number,
    firstParity: number,
    outputs: Uint32Array,
  ): void {
    const k = source.length;
    assert(k >= 1 && k <= SOURCE_SYMBOLS_MAX, `${k} source symbols`);
    assert(Number.isInteger(firstParity) && firstParity >= k, `parity ${firstParity} of k ${k}`);
    assert(firstParity + outputs.length <= SYMBOL_IDS, `parity ${firstParity} + ${outputs.length}`);
    this.#setRows(k, firstParity, outputs.length);
    this.#kernel.multiply(source, outputs, this.#coefficients, symbolBytes);
  }

  /** Blocks of a session mostly have the same shape: then the coefficients are kept. */
  #setRows(k: number, firstParity: number, count: number): void {
    const same = k === this.#sourceCount && firstParity === this.#firstParity;
    if (same && count <= this.#parityCount) return;
    this.#sourceCount = k;
    this.#firstParity = firstParity;
    this.#parityCount = count;
    let at = 0;
    for (let j = firstParity; j < firstParity + count; j++) {
      for (let i = 0; i < k; i++) this.#coefficients[at++] = inverse(j ^ i);
    }
  }
}
