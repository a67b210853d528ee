/**
 * Bitmaps as ext and others store them: bit 0 is the lowest bit of byte 0, a set bit means in use.
 *
 * Bytes whose bits are all equal are handled as a whole, because real bitmaps are mostly long runs.
 */
import type { Range } from "../core/ranges.ts";

/**
 * Visits the runs of set bits.
 *
 * @param bitmap - At least `count` bits.
 * @param count - Number of bits to look at.
 * @param visit - Called for every maximal run, in ascending order.
 */
export function forEachRun(bitmap: Uint8Array, count: number, visit: (range: Range) => void): void {
  let start = -1;
  let bit = 0;
  while (bit < count) {
    const byte = bitmap[bit >> 3] ?? 0;
    const uniform = start < 0 ? 0x00 : 0xff;
    if ((bit & 7) === 0 && byte === uniform) {
      bit += 8;
      continue;
    }
    const set = ((byte >> (bit & 7)) & 1) === 1;
    if (set && start < 0) start = bit;
    if (!set && start >= 0) {
      visit({ start, end: bit });
      start = -1;
    }
    bit += 1;
  }
  if (start >= 0) visit({ start, end: count });
}

/** @param end - One past the last bit, inside the bitmap. */
export function setBits(bitmap: Uint8Array, start: number, end: number): void {
  for (let bit = start; bit < end; ) {
    if ((bit & 7) === 0 && end - bit >= 8) {
      bitmap[bit >> 3] = 0xff;
      bit += 8;
    } else {
      bitmap[bit >> 3] = (bitmap[bit >> 3] ?? 0) | (1 << (bit & 7));
      bit += 1;
    }
  }
}

/**
 * @param bitmap - At least `count` bits.
 * @param count - Number of bits to look at.
 * @returns Number of clear bits.
 */
export function countClear(bitmap: Uint8Array, count: number): number {
  let used = 0;
  forEachRun(bitmap, count, ({ start, end }) => {
    used += end - start;
  });
  return count - used;
}
