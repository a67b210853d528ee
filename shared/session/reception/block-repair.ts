/**
 * Carries out a decode request: puts every source symbol of a block into its own place.
 *
 * Parity symbols stand in the places of the missing source symbols, and a kernel's outputs must not
 * overlap its inputs. So the parity symbols are copied to scratch first. Each thread needs its own
 * repairer.
 */
import type { Arena } from "../../core/arena.ts";
import { BlockDecoder } from "../../fec/decode.ts";
import { SYMBOL_IDS } from "../../fec/scheme.ts";
import type { FecKernel } from "../../fec/scheme.ts";
import type { DecodeRequest } from "./contract.ts";

/** Repairs blocks with one kernel and one scratch region. */
export class BlockRepairer {
  readonly #bytes: Uint8Array;
  readonly #scratch: number;
  readonly #decoder: BlockDecoder;
  readonly #offsets = new Uint32Array(SYMBOL_IDS);
  readonly #present = new Uint8Array(SYMBOL_IDS);

  /**
   * @param scratch - Arena offset of a region for this object alone, {@link repairScratchBytes}
   *   long.
   */
  constructor(arena: Arena, kernel: FecKernel, scratch: number) {
    this.#bytes = arena.bytes;
    this.#scratch = scratch;
    this.#decoder = new BlockDecoder(kernel);
  }

  /**
   * Repairs a block in place.
   *
   * @param request - From a reception engine; afterwards tell the engine "decoded".
   */
  repair(request: DecodeRequest): void {
    const { symbols, symbolBytes, offset } = request;
    const k = symbols.length;
    this.#present.fill(0);
    let moved = 0;
    for (let place = 0; place < k; place += 1) {
      const from = offset + place * symbolBytes;
      const symbol = symbols[place] ?? 0;
      this.#offsets[place] = from;
      this.#present[symbol] = 1;
      if (symbol < k) continue;
      const to = this.#scratch + moved * symbolBytes;
      this.#bytes.copyWithin(to, from, from + symbolBytes);
      this.#offsets[symbol] = to;
      moved += 1;
    }
    const received = { k, symbolBytes, offsets: this.#offsets, present: this.#present };
    this.#decoder.decode(received);
  }
}

/**
 * @param symbolBytes - The session's symbol length.
 * @returns Bytes of scratch that a {@link BlockRepairer} needs. All k places of a block may hold
 *   parity, but there are only 255 - k parity symbols: so at most 127 places do.
 */
export function repairScratchBytes(symbolBytes: number): number {
  return 128 * symbolBytes;
}
