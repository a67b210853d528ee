/**
 * Repairs of chunks that left the cache: what was asked, until they are read again.
 *
 * A complaint about a chunk that is gone is kept, bounded, and answered when its bytes are back.
 */

/** Chunks waited for at most; complaints about more are dropped and will be repeated. */
const CHUNKS_MAX = 64;

/** One complaint. */
export interface LateRequest {
  readonly block: number;
  readonly deficit: number;
  readonly syncNo: number;
}

/** The complaints. */
export class LateRepairs {
  readonly #byChunk = new Map<number, LateRequest[]>();
  readonly #unread: number[] = [];

  /**
   * Keeps a complaint.
   *
   * @param chunk - Not in the cache, or being read.
   * @param ask - The complaint; the largest of a block counts.
   */
  add(chunk: number, ask: LateRequest): void {
    const asks = this.#byChunk.get(chunk);
    if (asks === undefined) {
      if (this.#byChunk.size >= CHUNKS_MAX) return;
      this.#byChunk.set(chunk, [ask]);
      this.#unread.push(chunk);
      return;
    }
    const at = asks.findIndex((one) => one.block === ask.block);
    if (at < 0) asks.push(ask);
    else if ((asks[at]?.deficit ?? 0) < ask.deficit) asks[at] = ask;
  }

  /** @returns Next chunk to read, or undefined; it stays until {@link reading}. */
  peek(): number | undefined {
    return this.#unread[0];
  }

  /** The chunk of {@link peek} is being read, or here again. */
  reading(): void {
    this.#unread.shift();
  }

  /**
   * @param chunk - One that is here now.
   * @returns What was asked of it, once.
   */
  take(chunk: number): readonly LateRequest[] {
    const asks = this.#byChunk.get(chunk) ?? [];
    this.#byChunk.delete(chunk);
    return asks;
  }
}
