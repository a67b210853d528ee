/**
 * Repairs the missing source symbols of a block from any k of its symbols.
 *
 * There is one polynomial of degree < k such that symbol a, times a constant that depends only on
 * its name, is the value of the polynomial at a, for source and parity symbols alike. Any k symbols
 * determine the polynomial, as k points always do (hence every square sub-matrix of a Cauchy matrix
 * is invertible), and Lagrange's formula gives every missing symbol as a sum of products of the
 * symbols that are here. No matrix is inverted, and no symbol is copied elsewhere. Formulae and
 * proof: FEC.md section 4.
 */
import assert from "node:assert";
import { EXP, GROUP_ORDER, LOG } from "./gf256.ts";
import { SOURCE_SYMBOLS_MAX } from "./partition.ts";
import { SYMBOL_IDS } from "./scheme.ts";
import type { FecKernel } from "./scheme.ts";

/** A block of which at least k symbols are here. Owned by the caller; the decoder keeps nothing. */
export interface ReceivedBlock {
  /** Source symbols of the block, 1 .. 192. */
  readonly k: number;
  /** Length of every symbol: a multiple of 32. */
  readonly symbolBytes: number;
  /**
   * By symbol id: the arena offset of a symbol that is here, or the place for a missing source
   * symbol. At least k entries; entries of missing parity symbols are not read.
   */
  readonly offsets: Uint32Array;
  /** By symbol id: 1 if the symbol is here, else 0. As long as `offsets`, at most 255. */
  readonly present: Uint8Array;
}

/** Decodes with one kernel; its tables are kept between calls, so that little is allocated. */
export class BlockDecoder {
  readonly #kernel: FecKernel;
  readonly #availableIds = new Uint8Array(SOURCE_SYMBOLS_MAX);
  readonly #missingIds = new Uint8Array(SOURCE_SYMBOLS_MAX);
  readonly #inputs = new Uint32Array(SOURCE_SYMBOLS_MAX);
  readonly #outputs = new Uint32Array(SOURCE_SYMBOLS_MAX);
  readonly #logOfAvailable = new Uint8Array(SOURCE_SYMBOLS_MAX);
  /** k inputs for at most min(k, 255 - k) missing symbols: largest at k = 128. */
  readonly #coefficients = new Uint8Array(127 * 128);

  constructor(kernel: FecKernel) {
    this.#kernel = kernel;
  }

  /**
   * Writes every missing source symbol to its offset.
   *
   * Asserts that at least k symbols are here: the caller counts them as they arrive. Leaves
   * `present` as it is.
   *
   * @returns Number of source symbols that were missing and are now repaired, 0 .. k.
   */
  decode(block: ReceivedBlock): number {
    assert(block.k >= 1 && block.k <= SOURCE_SYMBOLS_MAX, `${block.k} source symbols`);
    assert(block.present.length <= SYMBOL_IDS && block.present.length >= block.k);
    assert(block.offsets.length >= block.present.length, "symbols without an offset");
    const missing = this.#choose(block);
    if (missing === 0) return 0;
    this.#setCoefficients(block.k, missing);
    this.#kernel.multiply(
      this.#inputs.subarray(0, block.k),
      this.#outputs.subarray(0, missing),
      this.#coefficients,
      block.symbolBytes,
    );
    return missing;
  }

  /**
   * Chooses all source symbols that are here, and as many parity symbols as source symbols are
   * missing.
   */
  #choose({ k, offsets, present }: ReceivedBlock): number {
    let available = 0;
    let missing = 0;
    for (let id = 0; id < present.length && available < k; id++) {
      if (present[id] === 1) {
        this.#availableIds[available] = id;
        this.#inputs[available++] = offsets[id]!;
      } else if (id < k) {
        this.#missingIds[missing] = id;
        this.#outputs[missing++] = offsets[id]!;
      }
    }
    assert(available === k, `${available} symbols of ${k}`);
    return missing;
  }

  /**
   * Coefficient of an available symbol a for a missing symbol m: u(a) * v(m) / (m + a), computed
   * with logarithms.
   */
  #setCoefficients(k: number, missing: number): void {
    const parityFrom = k - missing;
    for (let a = 0; a < k; a++) {
      this.#logOfAvailable[a] = this.#logRatio(this.#availableIds[a]!, parityFrom, missing);
    }
    for (let m = 0; m < missing; m++) {
      const id = this.#missingIds[m]!;
      // v(m) is u(m) with numerator and denominator exchanged, so its logarithm is the negative.
      const logV = GROUP_ORDER - this.#logRatio(id, parityFrom, missing);
      for (let a = 0; a < k; a++) {
        const logSum = this.#logOfAvailable[a]! + logV;
        const log = logSum + GROUP_ORDER - LOG[id ^ this.#availableIds[a]!]!;
        this.#coefficients[m * k + a] = EXP[log % GROUP_ORDER]!;
      }
    }
  }

  /**
   * Logarithm, 0 .. 254, of the product over the missing of (id + missing), divided by the product
   * over the parity used of (id + parity); `id` itself is left out of both products.
   */
  #logRatio(id: number, parityFrom: number, missing: number): number {
    let log = 0;
    for (let n = 0; n < missing; n++) {
      const above = id ^ this.#missingIds[n]!;
      const below = id ^ this.#availableIds[parityFrom + n]!;
      // LOG[0] is 0, so a factor id + id adds nothing: it is left out, as it must be.
      log += LOG[above]! - LOG[below]!;
    }
    return ((log % GROUP_ORDER) + GROUP_ORDER) % GROUP_ORDER;
  }
}
