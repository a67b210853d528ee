/**
 * Seeded randomness: random numbers enter every engine as an argument, so that the same seed gives
 * the same run.
 *
 * The generator is xoshiro128** 1.1 (Blackman and Vigna 2018, https://prng.di.unimi.it), its state
 * filled by SplitMix32 from one 32-bit seed. It is for schedules and simulations; secrets come from
 * the kernel.
 */

/** A random generator. One instance belongs to one engine. */
export interface Random {
  /** @returns 32 random bits as an unsigned integer. */
  u32(): number;
  /** @returns A fraction in [0, 1). */
  fraction(): number;
  /**
   * @param bound - 1 .. 2^32.
   * @returns A whole number in [0, bound).
   */
  below(bound: number): number;
}

/**
 * @param seed - Any number; its low 32 bits count.
 * @returns A generator whose output depends on the seed alone.
 */
export function seededRandom(seed: number): Random {
  const state = new Uint32Array(4);
  let mixed = seed >>> 0;
  for (let index = 0; index < state.length; index += 1) {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let word = mixed;
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    state[index] = (word ^ (word >>> 15)) >>> 0;
  }
  const u32 = (): number => nextWord(state);
  return {
    u32,
    fraction: () => u32() / 2 ** 32,
    below: (bound) => Math.floor((u32() / 2 ** 32) * bound),
  };
}

function nextWord(state: Uint32Array): number {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state;
  const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
  const mixed2 = s2 ^ s0;
  const mixed3 = s3 ^ s1;
  state[1] = s1 ^ mixed2;
  state[0] = s0 ^ mixed3;
  state[2] = mixed2 ^ (s1 << 9);
  state[3] = rotate(mixed3, 11);
  return result;
}

function rotate(word: number, count: number): number {
  return (word << count) | (word >>> (32 - count));
}
