/**
 * Which blocks the next SYNC asks about, and when it is due.
 *
 * A block is asked about soon after its last symbol, and a second time when answers to the first
 * question must have come, in case question or answer was lost. After that, whoever still lacks
 * something speaks up by itself (the receiver's stale blocks).
 */
import type { Block } from "./chunk-cache.ts";

/** When to ask. */
export interface SyncTimes {
  /** New blocks before a SYNC. */
  readonly syncBlocks: number;
  /** Longest wait of a new block. Unit: milliseconds. */
  readonly syncIntervalMs: number;
  /** Questions per block. */
  readonly askTimes: number;
}

interface Waiting {
  readonly block: Block;
  readonly dueAt: number;
}

/** The questions not yet asked. */
export class SyncSchedule {
  readonly #times: SyncTimes;
  /** In order of `dueAt` but for new ones, which are due by number or by age. */
  readonly #fresh: Waiting[] = [];
  readonly #again: Waiting[] = [];

  constructor(times: SyncTimes) {
    this.#times = times;
  }

  /** @returns Questions waiting for their first time. */
  get fresh(): number {
    return this.#fresh.length;
  }

  /** @returns Questions waiting in all. */
  get count(): number {
    return this.#fresh.length + this.#again.length;
  }

  /** A block is finished, or repaired: ask about it. */
  add(block: Block, now: number): void {
    this.#fresh.push({ block, dueAt: now + this.#times.syncIntervalMs });
  }

  /**
   * @returns When a SYNC is due because of its questions; -Infinity = at once, Infinity = nothing
   * to ask.
   */
  dueAt(): number {
    if (this.#fresh.length >= this.#times.syncBlocks) return -Infinity;
    return Math.min(this.#fresh[0]?.dueAt ?? Infinity, this.#again[0]?.dueAt ?? Infinity);
  }

  /**
   * Takes the questions of a SYNC.
   *
   * @param roomFor - Entries that fit.
   * @param againAfterMs - When answers must have come.
   * @returns Blocks to list; blocks with symbols owed are left out, they are asked about when those
   *   were sent.
   */
  take(roomFor: number, againAfterMs: number, now: number): Block[] {
    const blocks: Block[] = [];
    while (blocks.length < roomFor) {
      const again = (this.#again[0]?.dueAt ?? Infinity) <= now;
      const next = again ? this.#again.shift() : this.#fresh.shift();
      if (next === undefined) break;
      const { block } = next;
      if (block.owed > 0 || !block.finished || blocks.includes(block)) continue;
      blocks.push(block);
      block.asked += 1;
      if (block.asked < this.#times.askTimes) {
        this.#again.push({ block, dueAt: now + againAfterMs });
      }
    }
    return blocks;
  }
}
