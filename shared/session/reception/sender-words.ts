/**
 * What a receiver believes of the datagrams that claim to come from its sender.
 *
 * The sender has one socket, so all that it says comes from one address and port; it may come from
 * another one only after the first has been silent for a while. And an END is true only if nothing
 * but ENDs follow it: an END that somebody else made up is refuted by the next datagram of the
 * session.
 */
import type { Endpoint } from "../../core/engine.ts";
import type { Control } from "../../wire/control.ts";

/** A sender is heard at least every 100 ms; 20 losses in a row are no accident. */
const MOVED_MS = 2000;
/**
 * An END counts after this long without any other datagram. A sender that has members sends a SYNC
 * at least every 100 ms, and ANNOUNCE as often before the start. Unit: milliseconds.
 */
const QUIET_MS = 300;

/** The words of END. */
export type End = Extract<Control, { readonly op: "end" }>;

export class SenderWords {
  #from: Endpoint | undefined;
  #heardAt = -Infinity;
  #end: End | undefined;
  #quietSince = 0;

  /**
   * Tells whether a datagram comes from the sender's socket.
   *
   * @param from - Where it comes from; kept.
   */
  isFromSender(from: Endpoint, now: number): boolean {
    const known = this.#from;
    if (known === undefined || from === known) return true;
    if (from.address === known.address && from.port === known.port) return true;
    return now - this.#heardAt >= MOVED_MS;
  }

  /** Notes a datagram whose tag was right; `isEnd`: it is an END. */
  heard(from: Endpoint, isEnd: boolean, now: number): void {
    this.#from = from;
    this.#heardAt = now;
    if (!isEnd) this.#quietSince = now;
  }

  /** Keeps an END until it has proven true. */
  ended(end: End): void {
    this.#end = end;
  }

  /** @returns The END, once nothing else was heard for long enough. It is given once. */
  takeEnd(now: number): End | undefined {
    if (now < this.dueAt) return undefined;
    const end = this.#end;
    this.#end = undefined;
    return end;
  }

  /** @returns When {@link takeEnd} may give an END; Infinity if there is none. */
  get dueAt(): number {
    return this.#end === undefined ? Infinity : this.#quietSince + QUIET_MS;
  }
}
