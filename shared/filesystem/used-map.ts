/**
 * Collects the bytes of a file system that are in use, in bounded memory.
 *
 * A map may be hostile, or as fragmented as its clusters allow (a FAT of 2 TiB can have 2^27 runs),
 * and each run costs memory in every later stage. Above a number of runs that no usual disk
 * reaches, short gaps count as used: first gaps below 64 KiB, then below twice that and so on,
 * until the map fits. That only ever adds to what is kept, and equal maps grow equally, so equal
 * disks keep equal ids.
 */
import { normalRanges, type Range } from "../core/ranges.ts";

/**
 * Most runs of one file system: some 20 MiB of memory. A disk of 2 TiB with this many runs would
 * have one every 8 MiB.
 */
const RANGES_MAX = 1 << 18;
/** Gaps below this are joined first: reading them costs less than another seek. Unit: bytes. */
const JOIN_BYTES_MIN = 64 << 10;

export class UsedMap {
  readonly #rangesMax: number;
  #ranges: { start: number; end: number }[] = [];
  #joinBytes = 0;

  /** @param rangesMax - With more runs than this, short gaps are joined; at least 1. */
  constructor(rangesMax = RANGES_MAX) {
    this.#rangesMax = rangesMax;
  }

  /**
   * Adds bytes in use; cheapest in ascending order.
   *
   * @param end - One past the last byte; nothing is added unless it is greater than `start`.
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

  /** @returns One sentence for the operator if more is kept than is in use. */
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
