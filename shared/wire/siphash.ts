/**
 * SipHash-2-4 in plain TypeScript: the twin that the WebAssembly kernel is tested against.
 *
 * A 64-bit word is two 32-bit halves, low half first, and the state v0 .. v3 is eight halves, so
 * that no BigInt is allocated. It works where the runtime has no SIMD, and is slow. Source:
 * Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), sections 2.1 - 2.4.
 */

/** Bytes of a result. */
export const SIPHASH_BYTES = 8;

/** v0 .. v3, low half first, before the key is added: "somepseudorandomlygeneratedbytes". */
const INITIAL: readonly number[] = [
  0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462,
];
const COMPRESSION_ROUNDS = 2;
const FINAL_ROUNDS = 4;

/** SipHash-2-4 in the arena, one key at a time: the exports of kernel/siphash.as.ts. */
export interface SipHashKernel {
  /**
   * Sets the key.
   *
   * @param words - The key as four little-endian 32-bit words.
   */
  readonly setKey: (...words: [number, number, number, number]) => void;
  /**
   * Writes the 8 bytes of SipHash right after each of `count` inputs.
   *
   * @param offset - Arena offset of the first input.
   * @param length - Bytes of each input.
   * @param count - Number of inputs, 0 or more.
   * @param stride - Bytes from one input to the next, at least `length` + 8.
   */
  readonly seal: (offset: number, length: number, count: number, stride: number) => void;
  /**
   * Compares the 8 bytes after each of `count` inputs with their SipHash.
   *
   * @param offset - As in `seal`; so are `length` and `stride`; `count` is at most 32.
   * @returns Bit i is set if input i agrees; the sign of the number means nothing.
   */
  readonly check: (offset: number, length: number, count: number, stride: number) => number;
}

/** The plain twin of kernel/siphash.as.ts. Its caller keeps all offsets inside the arena. */
export class PlainSipHashKernel implements SipHashKernel {
  readonly #memory: WebAssembly.Memory;
  readonly #initial = new Uint32Array(8);
  readonly #state = new Uint32Array(8);
  #bytes: Uint8Array;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /** @inheritdoc */
  setKey(...words: [number, number, number, number]): void {
    INITIAL.forEach((word, i) => {
      this.#initial[i] = word ^ (words[i & 3] ?? 0);
    });
  }

  /** @inheritdoc */
  seal(offset: number, length: number, count: number, stride: number): void {
    const bytes = this.#view();
    for (let n = 0; n < count; n++) {
      const at = offset + n * stride;
      this.#update(bytes, at, length);
      for (let i = 0; i < SIPHASH_BYTES; i++) bytes[at + length + i] = this.#byte(i);
    }
  }

  /** @inheritdoc */
  check(offset: number, length: number, count: number, stride: number): number {
    const bytes = this.#view();
    let good = 0;
    for (let n = 0; n < count; n++) {
      const at = offset + n * stride;
      this.#update(bytes, at, length);
      let difference = 0;
      for (let i = 0; i < SIPHASH_BYTES; i++) {
        difference |= (bytes[at + length + i] ?? 0) ^ this.#byte(i);
      }
      if (difference === 0) good |= 1 << n;
    }
    return good;
  }

  /** A memory that has grown has a new buffer, and the old view would end too early. */
  #view(): Uint8Array {
    if (this.#bytes.buffer !== this.#memory.buffer) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
    }
    return this.#bytes;
  }

  #update(bytes: Uint8Array, offset: number, length: number): void {
    const v = this.#state;
    v.set(this.#initial);
    const words = Math.floor(length / 8);
    for (let word = 0; word < words; word++) {
      const at = offset + 8 * word;
      compress(v, halfWord(bytes, at, 4), halfWord(bytes, at + 4, 4));
    }
    const rest = length - 8 * words;
    const at = offset + 8 * words;
    const low = halfWord(bytes, at, Math.min(rest, 4));
    const high = halfWord(bytes, at + 4, Math.max(rest - 4, 0));
    compress(v, low, high | (length << 24));
    xorInto(v, 4, 0xff);
    for (let round = 0; round < FINAL_ROUNDS; round++) sipRound(v);
  }

  /** Byte 0 .. 7 of v0 ^ v1 ^ v2 ^ v3, least significant first. */
  #byte(index: number): number {
    const at = index >> 2;
    const v = this.#state;
    const word = half(v, at) ^ half(v, at + 2) ^ half(v, at + 4) ^ half(v, at + 6);
    return (word >>> (8 * (index & 3))) & 0xff;
  }
}

/** Little-endian value of `count` bytes (0 .. 4) at `at`. */
function halfWord(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value |= (bytes[at + i] ?? 0) << (8 * i);
  return value;
}

function compress(v: Uint32Array, low: number, high: number): void {
  xorInto(v, 6, low);
  xorInto(v, 7, high);
  for (let round = 0; round < COMPRESSION_ROUNDS; round++) sipRound(v);
  xorInto(v, 0, low);
  xorInto(v, 1, high);
}

/** One SipRound. Indices are those of low halves: v0 is 0, v1 is 2, v2 is 4, v3 is 6. */
function sipRound(v: Uint32Array): void {
  add(v, 0, 2);
  rotateXor(v, 2, 13, 0);
  swapHalves(v, 0);
  add(v, 4, 6);
  rotateXor(v, 6, 16, 4);
  add(v, 0, 6);
  rotateXor(v, 6, 21, 0);
  add(v, 4, 2);
  rotateXor(v, 2, 17, 4);
  swapHalves(v, 4);
}

/** v[to] += v[from], modulo 2^64. */
function add(v: Uint32Array, to: number, from: number): void {
  const low = half(v, to) + half(v, from);
  const carry = low > 0xffffffff ? 1 : 0;
  v[to] = low;
  v[to + 1] = half(v, to + 1) + half(v, from + 1) + carry;
}

/** v[at] = (v[at] rotated left by `bits`) ^ v[other]; 0 < bits < 32. */
function rotateXor(v: Uint32Array, at: number, bits: number, other: number): void {
  const low = half(v, at);
  const high = half(v, at + 1);
  v[at] = ((low << bits) | (high >>> (32 - bits))) ^ half(v, other);
  v[at + 1] = ((high << bits) | (low >>> (32 - bits))) ^ half(v, other + 1);
}

/** Rotation by 32 bits. */
function swapHalves(v: Uint32Array, at: number): void {
  const low = half(v, at);
  v[at] = half(v, at + 1);
  v[at + 1] = low;
}

function xorInto(v: Uint32Array, at: number, value: number): void {
  v[at] = half(v, at) ^ value;
}

function half(v: Uint32Array, at: number): number {
  return v[at] ?? 0;
}
