/**
 * The member numbers that the control server gave out for one session, in memory that the server
 * and the sender's thread share.
 *
 * A place belongs to whoever may come to the session (an order), and holds the number of its latest
 * boot. So the table never grows beyond those who can come, however often one of them asks. The
 * numbers are random, so that one member cannot guess another's.
 */
import assert from "node:assert";
import type { Admission } from "./admission.ts";

/** Places of a session. */
export const MEMBER_PLACES = 4096;
/** Word 0 counts the changes; one word for each place follows, 0 = nobody's. */
const WORDS = 1 + MEMBER_PLACES;
/** A number is taken with a chance of one in a million at most: five draws are never all taken. */
const DRAWS_MAX = 5;

/** The table, as it is handed to another thread. */
export type MemberTable = Int32Array<SharedArrayBuffer>;

interface Place {
  readonly at: number;
  readonly boot: string;
  readonly number: number;
}

/** The giver's side of a table. */
export class MemberNumbers {
  readonly table: MemberTable = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  readonly #places = new Map<string, Place>();
  readonly #free: number[] = [];

  constructor() {
    for (let at = WORDS - 1; at >= 1; at -= 1) this.#free.push(at);
  }

  /**
   * Gives a number. The same boot that asks again gets the same one; a later boot gets another, and
   * ends the earlier one's.
   *
   * @param owner - Who may come: the id of an order.
   * @param boot - Which boot of it asks.
   * @param draw - Draws 32 random bits.
   * @returns The number, or undefined if all places are taken.
   */
  give(owner: string, boot: string, draw: () => number): number | undefined {
    const known = this.#places.get(owner);
    if (known?.boot === boot) return known.number;
    const at = known?.at ?? this.#free.pop();
    if (at === undefined) return undefined;
    const number = this.#fresh(draw);
    this.#places.set(owner, { at, boot, number });
    this.#write(at, number);
    return number;
  }

  #fresh(draw: () => number): number {
    for (let tries = 0; tries < DRAWS_MAX; tries += 1) {
      const number = draw() >>> 0;
      if (number !== 0 && !this.table.includes(number | 0, 1)) return number;
    }
    assert.fail("the numbers drawn are not random");
  }

  /** Takes the place back: its number makes nobody a member any more. */
  takeBack(owner: string): void {
    const known = this.#places.get(owner);
    if (known === undefined) return;
    this.#places.delete(owner);
    this.#free.push(known.at);
    this.#write(known.at, 0);
  }

  #write(at: number, number: number): void {
    Atomics.store(this.table, at, number | 0);
    Atomics.add(this.table, 0, 1);
  }
}

/** The sender's side of a table: admits the numbers that are in it at the moment. */
export function admissionBy(table: MemberTable): Admission {
  const numbers = new Set<number>();
  let seen = 0;
  return {
    by: "server",
    admits(node) {
      const changes = Atomics.load(table, 0);
      if (changes !== seen) {
        seen = changes;
        numbers.clear();
        for (let at = 1; at < WORDS; at += 1) numbers.add(Atomics.load(table, at));
      }
      return node !== 0 && numbers.has(node | 0);
    },
  };
}
