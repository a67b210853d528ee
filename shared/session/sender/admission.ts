/**
 * Who may become a member of a session.
 *
 * A member carries a number that was given to it. In an image session the control server gives the
 * numbers, one to each node that may come. In a cast the sender gives them itself: a receiver that
 * asks under a number of its own choice is told another one, which depends on its address and on a
 * secret. So nothing is kept for a number that somebody has invented, and asking from one address
 * is bounded, so that a flood delays only the computer it comes from.
 */
import { blake3 } from "../../core/digest.ts";
import type { Endpoint } from "../../core/engine.ts";
import { Allowance } from "./allowance.ts";

/** How the members of a session get their numbers. */
export type Admission =
  /** The control server gave them. */
  | {
      readonly by: "server";
      /** Tells whether a number was given to a node that may still come. */
      admits(node: number): boolean;
    }
  /** The sender gives them to whoever asks. `secret`: random bytes, known to nobody else. */
  | { readonly by: "sender"; readonly secret: Uint8Array };

/** What becomes of a report under a number that is no member's yet. */
export type Entry = "admit" | "give a number" | "refuse";

/** Members of one address in a cast: computers that run several receivers are for tests. */
const MEMBERS_PER_ADDRESS_MAX = 64;
/** The low bits of a number are the receiver's own, so that two on one computer get two numbers. */
const OWN_BITS = 0xffff;
/**
 * Addresses share this many counts of asking: a flood from anywhere hits an honest receiver's count
 * by one in so many.
 */
const SLOTS = 1024;
/** A receiver asks twice a second. */
const ASKS_PER_SECOND = 20;
const ASKS_AT_ONCE = MEMBERS_PER_ADDRESS_MAX;
/** All addresses together: an answer takes 102 bytes on the wire, so this is below 1 Mbit/s. */
const ANSWERS_PER_SECOND = 1000;
const ANSWERS_AT_ONCE = 1000;

export class AdmissionDesk {
  readonly #admission: Admission;
  readonly #asks: (Allowance | undefined)[] = [];
  readonly #answers = new Allowance(ANSWERS_PER_SECOND, ANSWERS_AT_ONCE);
  #markAddress = "";
  #mark = 0;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  /**
   * Judges the first report under a number, before its tag is checked.
   *
   * @param sameAddress - Members that this address has already.
   */
  judge(node: number, remote: Endpoint, sameAddress: number, now: number): Entry {
    const admission = this.#admission;
    if (admission.by === "server") return admission.admits(node) ? "admit" : "refuse";
    if (sameAddress >= MEMBERS_PER_ADDRESS_MAX) return "refuse";
    const mark = this.#markOf(admission.secret, remote.address);
    if ((node & ~OWN_BITS) === (mark & ~OWN_BITS)) return "admit";
    const slot = mark & (SLOTS - 1);
    const asks = (this.#asks[slot] ??= new Allowance(ASKS_PER_SECOND, ASKS_AT_ONCE));
    return asks.take(1, now) && this.#answers.take(1, now) ? "give a number" : "refuse";
  }

  /** @returns The number for a receiver that asked, if the sender gives numbers. */
  numberFor(node: number, remote: Endpoint): number {
    if (this.#admission.by === "server") return node;
    const mark = this.#markOf(this.#admission.secret, remote.address);
    return ((mark & ~OWN_BITS) | (node & OWN_BITS)) >>> 0;
  }

  #markOf(secret: Uint8Array, address: string): number {
    if (address !== this.#markAddress) {
      const digest = blake3(Buffer.concat([secret, Buffer.from(address, "latin1")]));
      this.#mark = new DataView(digest.buffer, digest.byteOffset).getUint32(0);
      this.#markAddress = address;
    }
    return this.#mark;
  }
}
