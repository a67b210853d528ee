/**
 * A chunk in the sender's memory and its source blocks: what was sent of them, and what is owed.
 *
 * Cache, schedule, repairs and SYNCs all tell a block what they did with it. Only this file changes
 * what is noted of it, so that the notes agree with one another.
 */
import { SYMBOL_IDS } from "../../fec/scheme.ts";

/** A SYNC tells the number of fresh symbols in a byte. */
const ISSUED_MAX = 255;
/**
 * Sent symbols are counted separately for this many SYNCs; answers to older SYNCs come too late to
 * matter.
 */
const SENT_AFTER_MAX = 8;

/** Where a block lies. */
export interface BlockPlace {
  readonly chunk: CachedChunk;
  readonly index: number;
  readonly k: number;
  /** Arena offset of its first source symbol. */
  readonly offset: number;
  /** Arena offset of the room for its parity symbols. */
  readonly parityOffset: number;
  /** Number of its first fresh symbol: k, or any later one if the chunk was in the cache before. */
  readonly firstFresh: number;
}

/** One source block of a cached chunk. */
export class Block {
  readonly chunk: CachedChunk;
  readonly index: number;
  readonly k: number;
  /** Arena offset of its first source symbol. */
  readonly offset: number;
  /** Arena offset of the room for its parity symbols. */
  readonly parityOffset: number;
  #next: number;
  #issued = 0;
  #parityFrom = 0;
  #parityCount = 0;
  #owed = 0;
  #resend = 0;
  /** Repair symbols sent, by the latest SYNC at the time of sending; newest last, bounded. */
  readonly #sentAfter: { readonly sync: number; count: number }[] = [];
  #finished = true;
  #finishedSync = 0;
  #asked = 0;

  constructor(place: BlockPlace) {
    this.chunk = place.chunk;
    this.index = place.index;
    this.k = place.k;
    this.offset = place.offset;
    this.parityOffset = place.parityOffset;
    this.#next = place.firstFresh;
  }

  /**
   * @returns Number of the next fresh symbol once the source was sent: k .. 254, then 0 .. k-1, and
   *   around.
   */
  get next(): number {
    return this.#next;
  }

  /** @returns Fresh symbols sent in all; capped at 255, because a SYNC tells it in a byte. */
  get issued(): number {
    return this.#issued;
  }

  /** Notes that the symbol {@link next} was sent. */
  sentFresh(): void {
    this.#next = this.#next + 1 === SYMBOL_IDS ? 0 : this.#next + 1;
    this.#issued = Math.min(this.#issued + 1, ISSUED_MAX);
  }

  /** @returns Number of the parity symbol that lies first in the block's room. */
  get parityFrom(): number {
    return this.#parityFrom;
  }

  /** @returns True if a parity symbol lies in the block's room. */
  hasParity(symbol: number): boolean {
    return symbol >= this.#parityFrom && symbol < this.#parityFrom + this.#parityCount;
  }

  /** Notes which parity symbols lie in the block's room now. */
  madeParity(from: number, count: number): void {
    this.#parityFrom = from;
    this.#parityCount = count;
  }

  /** @returns Symbols to send because a receiver lacks them. */
  get owed(): number {
    return this.#owed;
  }

  /** @returns Source symbols to send again from the start of the block, before fresh symbols. */
  get resend(): number {
    return this.#resend;
  }

  /**
   * Owes symbols; the chunk stays in the cache until they were sent.
   *
   * @param symbols - More than are owed now.
   */
  owe(symbols: number): void {
    if (this.#owed === 0) this.chunk.pin();
    this.#owed = symbols;
  }

  /** Sends the source symbols again before fresh ones: a receiver lacks the whole block. */
  resendSource(): void {
    this.#resend = this.k;
  }

  /**
   * Notes that one symbol that was owed was sent.
   *
   * @param lastSync - Number of the latest SYNC.
   */
  sentRepair(lastSync: number): void {
    if (this.#resend > 0) this.#resend -= 1;
    this.#owed -= 1;
    if (this.#owed === 0) this.chunk.unpin();
    const last = this.#sentAfter.at(-1);
    if (last?.sync === lastSync) {
      last.count += 1;
      return;
    }
    this.#sentAfter.push({ sync: lastSync, count: 1 });
    if (this.#sentAfter.length > SENT_AFTER_MAX) this.#sentAfter.shift();
  }

  /** @returns Repair symbols that were sent after a SYNC. */
  repairsSince(syncNo: number): number {
    let count = 0;
    for (const entry of this.#sentAfter) if (entry.sync >= syncNo) count += entry.count;
    return count;
  }

  /** @returns True once everything that the pass sends of the block was sent. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Notes that the pass begins to send the block. */
  begin(): void {
    this.#finished = false;
  }

  /**
   * Notes that the pass has sent the block.
   *
   * @param lastSync - Number of the latest SYNC.
   */
  finish(lastSync: number): void {
    this.#finished = true;
    this.#finishedSync = lastSync;
  }

  /**
   * @returns True if the block was completely sent before a SYNC; answers to an older one describe
   *   it half sent.
   */
  finishedBefore(syncNo: number): boolean {
    return this.#finished && syncNo > this.#finishedSync;
  }

  /** @returns How many SYNCs have asked about it since its last symbol was sent. */
  get asked(): number {
    return this.#asked;
  }

  /** Notes that a SYNC asks about it. */
  noteAsked(): void {
    this.#asked += 1;
  }

  /** Notes that its last symbol was sent: all questions are asked anew. */
  askAnew(): void {
    this.#asked = 0;
  }
}

/** A chunk in a lane of the cache. */
export class CachedChunk {
  readonly chunk: number;
  readonly lane: number;
  #symbols = 0;
  #blocks: readonly Block[] = [];
  #usedAt: number;
  #pins = 0;

  /** @param usedAt - Value of the cache's use counter. */
  constructor(chunk: number, lane: number, usedAt: number) {
    this.chunk = chunk;
    this.lane = lane;
    this.#usedAt = usedAt;
  }

  /** @returns Source symbols; 0 while it is being read. */
  get symbols(): number {
    return this.#symbols;
  }

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** @returns Value of the use counter at its last use: the smallest is the least recently used. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /** @returns True if it must stay: it is being read, is interleaved, or has symbols owed. */
  get pinned(): boolean {
    return this.#symbols === 0 || this.#pins > 0;
  }

  /** Keeps it in the cache; whoever calls this calls {@link unpin} once. */
  pin(): void {
    this.#pins += 1;
  }

  unpin(): void {
    this.#pins -= 1;
  }

  /** Notes that it has been read. */
  fill(symbols: number, blocks: readonly Block[]): void {
    this.#symbols = symbols;
    this.#blocks = blocks;
  }

  /** @param usedAt - Value of the cache's use counter. */
  use(usedAt: number): void {
    this.#usedAt = usedAt;
  }
}
