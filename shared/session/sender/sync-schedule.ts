/**
 * Which blocks the next SYNC asks about, and when it is due.
 *
 * A block is asked about soon after its last symbol, and a second time when answers to the first
 * question must have arrived, in case question or answer was lost. After that, a receiver that
 * still lacks something sends a NACK unasked (the receiver's stale blocks).
 */
import type { Block } from "./cached-chunk.ts";

/** When to ask. */
export interface SyncTimes {
  /** Number of new blocks that make a SYNC due. */
  readonly syncBlocks: number;
  /** Longest wait of a new block. Unit: milliseconds. */
  readonly syncIntervalMs: number;
  /** Number of questions per block. */
  readonly askTimes: number;
}

interface Waiting {
  readonly block: Block;
  readonly dueAt: number;
}

/** The questions that have not been asked yet. */
export class SyncSchedule {
  readonly #times: SyncTimes;
  /** Ordered by `dueAt`, except for new blocks, which are due by number or by age. */
  readonly #fresh: Waiting[] = [];
  readonly #again: Waiting[] = [];

  constructor(times: SyncTimes) {
    this.#times = times;
  }

  /** @returns Number of blocks that wait for their first question. */
  get fresh(): number {
    return this.#fresh.length;
  }

  /** @returns Number of blocks that wait for a question. */
  get count(): number {
    return this.#fresh.length + this.#again.length;
  }

  /** Queues a question about a block that is finished or repaired. */
  add(block: Block, now: number): void {
    block.askAnew();
    this.#fresh.push({ block, dueAt: now + this.#times.syncIntervalMs });
  }

  /**
   * @returns When the waiting questions make a SYNC due; -Infinity = at once, Infinity = there are
   *   none.
   */
  dueAt(): number {
    if (this.#fresh.length >= this.#times.syncBlocks) return -Infinity;
    return Math.min(this.#fresh[0]?.dueAt ?? Infinity, this.#again[0]?.dueAt ?? Infinity);
  }

  /**
   * Takes the questions for a SYNC.
   *
   * @param roomFor - Entries that fit.
   * @param againAfterMs - Time after which answers must have arrived.
   * @returns Blocks to list. Blocks with symbols owed are left out; they are asked about once those
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
      block.noteAsked();
      if (block.asked < this.#times.askTimes) {
        this.#again.push({ block, dueAt: now + againAfterMs });
      }
    }
    return blocks;
  }
}
