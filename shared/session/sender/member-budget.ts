/**
 * How many symbols a member's NACKs may make the sender repeat.
 *
 * A member may ask for what it can have lost: the share of the symbols sent that it reports as
 * lost, and some more for bursts. A member that asks for more takes the network from the others. It
 * is shed, and gets what it lacks from the carousel. Symbols that another member's NACK owes
 * already cost nothing.
 */

/** Repeated symbols are lost, too, and parity comes in whole symbols. */
const LOSS_FACTOR = 1.25;
/** Share of the symbols that a member may ask for that reports no loss. */
const LEAST_SHARE = 0.01;
/** A burst of losses may take this many symbols at once: 1.4 MB, 12 ms at 1 Gbit/s. */
const BURST_SYMBOLS = 1024;
/** Members of one address share its burst, but each may ask for a part of a block. */
const BURST_LEAST = 64;

export class MemberBudget {
  #left = BURST_SYMBOLS;

  /** @returns True if the member has asked for more than it may. */
  get spent(): boolean {
    return this.#left <= 0;
  }

  /** Takes symbols that its NACK made the sender owe. The last request may overdraw the budget. */
  charge(symbols: number): void {
    this.#left -= symbols;
  }

  /** Gives back symbols that were repeated while there was nothing else to send. */
  refund(symbols: number): void {
    this.#left = Math.min(this.#left + symbols, BURST_SYMBOLS);
  }

  /**
   * Symbols were sent in order.
   *
   * @param loss - What the member reports, or as much of it as is believed, 0 .. 1.
   * @param vote - Its share of its address's vote.
   */
  grow(symbols: number, loss: number, vote: number): void {
    const most = Math.max(BURST_SYMBOLS * vote, BURST_LEAST);
    const grown = this.#left + symbols * (loss * LOSS_FACTOR + LEAST_SHARE) * vote;
    this.#left = Math.min(grown, most);
  }
}
