/**
 * SipHash-2-4 over the arena, in AssemblyScript: the eight-byte tag at the end of a datagram.
 *
 * One SipHash is a single chain of dependent steps that leaves the processor half idle. So four
 * inputs of equal length are computed side by side: two in the 64-bit lanes of a vector, and two
 * such vectors at once.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), sections 2.1 - 2.4. A
 * tag is stored as the 8 little-endian bytes that the reference code writes. The key lives in
 * globals: call setKey() before you use another one. Addresses are checked in ../tag.ts, not here.
 * This is AssemblyScript, not TypeScript: tsc, eslint and biome do not read this file.
 */

const INITIAL_0: u64 = 0x736f6d6570736575;
const INITIAL_1: u64 = 0x646f72616e646f6d;
const INITIAL_2: u64 = 0x6c7967656e657261;
const INITIAL_3: u64 = 0x7465646279746573;

let key0: u64 = 0;
let key1: u64 = 0;

/** Sets the 128-bit key as four little-endian 32-bit words. */
export function setKey(word0: u32, word1: u32, word2: u32, word3: u32): void {
  key0 = (<u64>word1 << 32) | <u64>word0;
  key1 = (<u64>word3 << 32) | <u64>word2;
}

/**
 * Writes the SipHash of `length` bytes right after them, for `count` inputs `stride` bytes apart.
 */
export function seal(offset: usize, length: usize, count: i32, stride: usize): void {
  let left = count;
  let at = offset;
  for (; left >= 4; left -= 4) {
    const first = digestFour(at, length, stride);
    store<u64>(at + length, first);
    store<u64>(at + stride + length, second);
    store<u64>(at + 2 * stride + length, third);
    store<u64>(at + 3 * stride + length, fourth);
    at += 4 * stride;
  }
  for (; left > 0; left--) {
    store<u64>(at + length, digest(at, length));
    at += stride;
  }
}

/**
 * Compares the 8 bytes after each of `count` (1 .. 32) inputs with its SipHash. Bit i of the result
 * is set if input i agrees.
 */
export function check(offset: usize, length: usize, count: i32, stride: usize): u32 {
  let good: u32 = 0;
  let index = 0;
  let at = offset;
  for (; index + 4 <= count; index += 4) {
    const first = digestFour(at, length, stride);
    good |= <u32>(load<u64>(at + length) == first) << index;
    good |= <u32>(load<u64>(at + stride + length) == second) << (index + 1);
    good |= <u32>(load<u64>(at + 2 * stride + length) == third) << (index + 2);
    good |= <u32>(load<u64>(at + 3 * stride + length) == fourth) << (index + 3);
    at += 4 * stride;
  }
  for (; index < count; index++) {
    good |= <u32>(load<u64>(at + length) == digest(at, length)) << index;
    at += stride;
  }
  return good;
}

/**
 * The last word of the padded input: the bytes that whole words left over, and the length in the
 * top byte.
 */
@inline
function lastWord(offset: usize, length: usize): u64 {
  let word = <u64>length << 56;
  const rest = length & 7;
  const at = offset + length - rest;
  for (let i: usize = 0; i < rest; i++) word |= <u64>load<u8>(at + i) << (i << 3);
  return word;
}

function digest(offset: usize, length: usize): u64 {
  let v0 = key0 ^ INITIAL_0;
  let v1 = key1 ^ INITIAL_1;
  let v2 = key0 ^ INITIAL_2;
  let v3 = key1 ^ INITIAL_3;
  const end = offset + (length & ~7);
  for (let at = offset; at <= end; at += 8) {
    const word = at < end ? load<u64>(at) : lastWord(offset, length);
    v3 ^= word;
    for (let round = 0; round < 2; round++) {
      v0 += v1;
      v2 += v3;
      v1 = rotl<u64>(v1, 13) ^ v0;
      v3 = rotl<u64>(v3, 16) ^ v2;
      v0 = rotl<u64>(v0, 32) + v3;
      v2 += v1;
      v1 = rotl<u64>(v1, 17) ^ v2;
      v3 = rotl<u64>(v3, 21) ^ v0;
      v2 = rotl<u64>(v2, 32);
    }
    v0 ^= word;
  }
  v2 ^= 0xff;
  for (let round = 0; round < 4; round++) {
    v0 += v1;
    v2 += v3;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 = rotl<u64>(v0, 32) + v3;
    v2 += v1;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 = rotl<u64>(v2, 32);
  }
  return v0 ^ v1 ^ v2 ^ v3;
}

/** Further results of digestFour(), because a function returns only one value. */
let second: u64 = 0;
let third: u64 = 0;
let fourth: u64 = 0;

@inline
function rotate(x: v128, count: i32): v128 {
  return v128.or(i64x2.shl(x, count), i64x2.shr_u(x, 64 - count));
}

@inline
function rotate16(x: v128): v128 {
  return i8x16.shuffle(x, x, 6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13);
}

@inline
function rotate32(x: v128): v128 {
  return i8x16.shuffle(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
}

@inline
function loadPair(low: usize, high: usize): v128 {
  return v128.load64_lane(high, v128.load64_zero(low), 1);
}

/**
 * Computes SipHash of four inputs: returns the first, leaves the others in `second`, `third`,
 * `fourth`.
 */
function digestFour(offset: usize, length: usize, stride: usize): u64 {
  let a0 = i64x2.splat(key0 ^ INITIAL_0);
  let a1 = i64x2.splat(key1 ^ INITIAL_1);
  let a2 = i64x2.splat(key0 ^ INITIAL_2);
  let a3 = i64x2.splat(key1 ^ INITIAL_3);
  let b0 = a0;
  let b1 = a1;
  let b2 = a2;
  let b3 = a3;
  const end = offset + (length & ~7);
  const twice = stride << 1;
  for (let at = offset; at <= end; at += 8) {
    let wordA: v128;
    let wordB: v128;
    if (at < end) {
      wordA = loadPair(at, at + stride);
      wordB = loadPair(at + twice, at + twice + stride);
    } else {
      wordA = i64x2(lastWord(offset, length), 0);
      wordA = i64x2.replace_lane(wordA, 1, lastWord(offset + stride, length));
      wordB = i64x2.splat(lastWord(offset + twice, length));
      wordB = i64x2.replace_lane(wordB, 1, lastWord(offset + twice + stride, length));
    }
    a3 = v128.xor(a3, wordA);
    b3 = v128.xor(b3, wordB);
    for (let round = 0; round < 2; round++) {
      a0 = i64x2.add(a0, a1);
      b0 = i64x2.add(b0, b1);
      a2 = i64x2.add(a2, a3);
      b2 = i64x2.add(b2, b3);
      a1 = v128.xor(rotate(a1, 13), a0);
      b1 = v128.xor(rotate(b1, 13), b0);
      a3 = v128.xor(rotate16(a3), a2);
      b3 = v128.xor(rotate16(b3), b2);
      a0 = i64x2.add(rotate32(a0), a3);
      b0 = i64x2.add(rotate32(b0), b3);
      a2 = i64x2.add(a2, a1);
      b2 = i64x2.add(b2, b1);
      a1 = v128.xor(rotate(a1, 17), a2);
      b1 = v128.xor(rotate(b1, 17), b2);
      a3 = v128.xor(rotate(a3, 21), a0);
      b3 = v128.xor(rotate(b3, 21), b0);
      a2 = rotate32(a2);
      b2 = rotate32(b2);
    }
    a0 = v128.xor(a0, wordA);
    b0 = v128.xor(b0, wordB);
  }
  const final = i64x2.splat(0xff);
  a2 = v128.xor(a2, final);
  b2 = v128.xor(b2, final);
  for (let round = 0; round < 4; round++) {
    a0 = i64x2.add(a0, a1);
    b0 = i64x2.add(b0, b1);
    a2 = i64x2.add(a2, a3);
    b2 = i64x2.add(b2, b3);
    a1 = v128.xor(rotate(a1, 13), a0);
    b1 = v128.xor(rotate(b1, 13), b0);
    a3 = v128.xor(rotate16(a3), a2);
    b3 = v128.xor(rotate16(b3), b2);
    a0 = i64x2.add(rotate32(a0), a3);
    b0 = i64x2.add(rotate32(b0), b3);
    a2 = i64x2.add(a2, a1);
    b2 = i64x2.add(b2, b1);
    a1 = v128.xor(rotate(a1, 17), a2);
    b1 = v128.xor(rotate(b1, 17), b2);
    a3 = v128.xor(rotate(a3, 21), a0);
    b3 = v128.xor(rotate(b3, 21), b0);
    a2 = rotate32(a2);
    b2 = rotate32(b2);
  }
  const a = v128.xor(v128.xor(a0, a1), v128.xor(a2, a3));
  const b = v128.xor(v128.xor(b0, b1), v128.xor(b2, b3));
  second = i64x2.extract_lane(a, 1);
  third = i64x2.extract_lane(b, 0);
  fourth = i64x2.extract_lane(b, 1);
  return i64x2.extract_lane(a, 0);
}
