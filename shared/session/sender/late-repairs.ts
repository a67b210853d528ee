/**
 * NACKs for chunks that left the cache: a bounded list, kept until the chunks have been read again.
 */

/** Chunks on the list at most; NACKs for more are dropped, and the receivers will repeat them. */
const CHUNKS_MAX = 64;

/** One entry of a NACK. */
export interface LateRequest {
  readonly block: number;
  readonly deficit: number;
  readonly syncNo: number;
  /** Who asked. */
  readonly node: number;
}

/** The NACK entries that wait for their chunks. */
export class LateRepairs {
  readonly #byChunk = new Map<number, LateRequest[]>();
  readonly #unread: number[] = [];

  /**
   * Keeps a NACK entry.
   *
   * @param chunk - Not in the cache, or being read.
   * @param ask - Of several for one block the one with the largest deficit is kept.
   * @returns True if the chunk must be read because of it.
   */
  add(chunk: number, ask: LateRequest): boolean {
    const asks = this.#byChunk.get(chunk);
    if (asks === undefined) {
      if (this.#byChunk.size >= CHUNKS_MAX) return false;
      this.#byChunk.set(chunk, [ask]);
      this.#unread.push(chunk);
      return true;
    }
    const at = asks.findIndex((one) => one.block === ask.block);
    if (at < 0) asks.push(ask);
    else if ((asks[at]?.deficit ?? 0) < ask.deficit) asks[at] = ask;
    return false;
  }

  /** @returns The next chunk to read, or undefined; it stays until {@link reading}. */
  peek(): number | undefined {
    return this.#unread[0];
  }

  /** Notes that the chunk of {@link peek} is being read, or is in the cache again. */
  reading(): void {
    this.#unread.shift();
  }

  /**
   * @param chunk - One that has been read.
   * @returns Its entries, which are removed from the list.
   */
  take(chunk: number): readonly LateRequest[] {
    const asks = this.#byChunk.get(chunk) ?? [];
    this.#byChunk.delete(chunk);
    return asks;
  }
}
