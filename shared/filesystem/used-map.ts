/**
 * The bytes of a file system that are in use, collected in bounded memory.
 *
 * A map may be hostile or as fragmented as its clusters allow (a FAT of 2 TiB can have 2^27 runs),
 * and each run costs memory in every stage that follows. Above a number that no usual disk reaches,
 * short gaps count as used: 64 KiB first, then twice as much until the map fits. What is kept only
 * ever grows by that, and equal maps grow equally, so equal disks keep equal ids.
 */
import { normalRanges, type Range } from "../core/ranges.ts";

/**
 * Most runs of one file system: some 20 MiB of memory. 2 TiB in this many runs would have one every
 * 8 MiB.
 */
const RANGES_MAX = 1 << 18;
/** Gaps below this are joined first: to read them costs less than another seek. Unit: bytes. */
const JOIN_BYTES_MIN = 64 << 10;

/** A map that is being made. */
export class UsedMap {
  readonly #rangesMax: number;
  #ranges: { start: number; end: number }[] = [];
  #joinBytes = 0;

  /** @param rangesMax - From how many runs on short gaps are joined, at least 1. */
  constructor(rangesMax = RANGES_MAX) {
    this.#rangesMax = rangesMax;
  }

  /**
   * Adds bytes in use; cheapest in ascending order.
   *
   * @param end - One past the last; nothing is added when it is not behind `start`.
   */
  add(start: number, end: number): void {
    if (end <= start) return;
    const last = this.#ranges.at(-1);
    if (last !== undefined && start >= last.start && this.#joins(last.end, start)) {
      last.end = Math.max(last.end, end);
      return;
    }
    this.#ranges.push({ start, end });
    if (this.#ranges.length > 2 * this.#rangesMax) this.#shrink();
  }

  /** @returns All bytes in use, or more; a normal list of bounded length. */
  get ranges(): readonly Range[] {
    this.#shrink();
    return this.#ranges;
  }

  /** @returns One sentence for the operator when more is kept than is in use. */
  get warnings(): readonly string[] {
    this.#shrink();
    if (this.#joinBytes === 0) return [];
    const gaps = `free gaps shorter than ${this.#joinBytes / 1024} KiB are kept as well`;
    return [`It is in more than ${this.#rangesMax} pieces, so ${gaps}.`];
  }

  #shrink(): void {
    this.#ranges = this.#joined(normalRanges(this.#ranges));
    while (this.#ranges.length > this.#rangesMax) {
      this.#joinBytes = Math.max(JOIN_BYTES_MIN, this.#joinBytes * 2);
      this.#ranges = this.#joined(this.#ranges);
    }
  }

  #joined(ranges: readonly Range[]): { start: number; end: number }[] {
    const result: { start: number; end: number }[] = [];
    for (const { start, end } of ranges) {
      const last = result.at(-1);
      if (last !== undefined && this.#joins(last.end, start)) last.end = end;
      else result.push({ start, end });
    }
    return result;
  }

  #joins(end: number, start: number): boolean {
    return start <= end || start - end < this.#joinBytes;
  }
}
