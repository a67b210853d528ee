/**
 * How much parity to send before any NACK.
 *
 * We send the least number h of parity symbols with which, at the loss the members report, the
 * chance that all of them decode a block without a NACK is one half. More parity costs everyone
 * bandwidth, less costs a round trip. WIRE.md section 4, step 2.
 */
import { SYMBOL_IDS } from "../../fec/scheme.ts";

/** Chance that all members decode a block at once. */
const ENOUGH = 0.5;
/** Loss below this is taken for an accident and ignored. */
const LOSS_FLOOR = 0.0002;

/** Number of parity symbols at the present loss, by k. */
export class ProactiveParity {
  #loss = 0;
  #members = 1;
  readonly #byK = new Map<number, number>();

  /**
   * @param loss - Loss of the worst held members, 0 .. 1.
   * @param members - Number of held members.
   */
  set(loss: number, members: number): void {
    if (loss === this.#loss && members === this.#members) return;
    this.#loss = loss;
    this.#members = Math.max(members, 1);
    this.#byK.clear();
  }

  /**
   * @param k - Source symbols of a block, 1 .. 192.
   * @returns Parity symbols to send with it, 0 .. 255 - k.
   */
  symbolsFor(k: number): number {
    if (this.#loss < LOSS_FLOOR) return 0;
    let h = this.#byK.get(k);
    if (h === undefined) {
      h = leastParity(k, Math.min(this.#loss, 0.5), this.#members);
      this.#byK.set(k, h);
    }
    return h;
  }
}

/** Increases h until (P[at most h of k+h lost])^members reaches ENOUGH. */
function leastParity(k: number, loss: number, members: number): number {
  const each = ENOUGH ** (1 / members);
  const most = SYMBOL_IDS - k;
  for (let h = 0; h < most; h += 1) if (atMost(h, k + h, loss) >= each) return h;
  return most;
}

/** Binomial distribution: chance that at most `bound` of `count` are lost. */
function atMost(bound: number, count: number, loss: number): number {
  let term = (1 - loss) ** count;
  let sum = term;
  for (let lost = 1; lost <= bound; lost += 1) {
    term *= ((count - lost + 1) / lost) * (loss / (1 - loss));
    sum += term;
  }
  return sum;
}
