/** A batch in the arena that tests read back. */
import type { Arena } from "../../../../../shared/core/arena.ts";
import type { Endpoint, TransmitBatch } from "../../../../../shared/core/engine.ts";

export interface Sent {
  readonly offset: number;
  readonly length: number;
  readonly remote: Endpoint;
}

export class TestBatch implements TransmitBatch {
  readonly sent: Sent[] = [];
  readonly #start: number;
  readonly #most: number;
  #used = 0;

  constructor(arena: Arena, most = 128) {
    this.#start = arena.region(256 * 1024);
    this.#most = most;
  }

  add(length: number, remote: Endpoint): number {
    if (this.sent.length >= this.#most) return -1;
    const offset = this.#start + this.#used;
    this.#used += length;
    this.sent.push({ offset, length, remote });
    return offset;
  }

  /** Everything added since the last call. */
  take(): Sent[] {
    this.#used = 0;
    return this.sent.splice(0);
  }
}
