/**
 * The arena: one shared WebAssembly.Memory that holds datagrams, chunks and kernel scratch.
 *
 * Its address is stable and 64 KiB aligned. So recvmmsg can fill it, O_DIRECT can write from it,
 * the FEC kernel works in place, and every thread of a process sees the same bytes. Everything in
 * it is addressed by byte offset. Regions are handed out once, at start-up, in order; none is ever
 * given back.
 */
import { HuckError } from "./errors.ts";

/** Bytes of a WebAssembly page. */
const WASM_PAGE_BYTES = 65536;
/**
 * Alignment that O_DIRECT and the SIMD kernels need. Unit: bytes.
 *
 * @internal Exported for a test.
 */
export const ARENA_ALIGNMENT = 4096;

/** Hands out regions of one shared memory. */
export class Arena {
  /** The memory itself, to be passed to workers and kernels. */
  readonly memory: WebAssembly.Memory;
  /** All bytes of the arena. */
  readonly bytes: Uint8Array;
  #used: number;

  /**
   * @param memory - Made by {@link arenaMemory}.
   * @param used - Bytes at the start that belong to others.
   */
  constructor(memory: WebAssembly.Memory, used = 0) {
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.#used = used;
  }

  /** @returns Bytes not handed out yet. */
  get left(): number {
    return this.bytes.byteLength - this.#used;
  }

  /**
   * Hands out a region for the life of the process.
   *
   * @param byteCount - Its length. Unit: bytes.
   * @returns Offset of its first byte, a multiple of {@link ARENA_ALIGNMENT}.
   * @throws {@link HuckError} `arena_full`: the sizes were planned wrongly, or memory is too small.
   */
  region(byteCount: number): number {
    const rounded = Math.ceil(byteCount / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
    if (rounded > this.left) {
      throw new HuckError(
        "arena_full",
        `Cannot set ${byteCount} bytes of the arena aside: ` +
          `${this.left} of ${this.bytes.byteLength} left`,
      );
    }
    const offset = this.#used;
    this.#used += rounded;
    return offset;
  }
}

/**
 * Makes a memory of fixed size that threads can share.
 *
 * @param byteCount - Rounded up to a multiple of 64 KiB.
 * @returns A zeroed memory.
 */
export function arenaMemory(byteCount: number): WebAssembly.Memory {
  const pages = Math.ceil(byteCount / WASM_PAGE_BYTES);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}
