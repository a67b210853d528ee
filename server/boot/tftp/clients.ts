/**
 * The clients of the TFTP server, bounded in all and for each address, and who gives way to a new
 * one.
 *
 * A client whose transfer was never acknowledged may be a forged address, so such a client goes
 * first. A client that is at work goes only if its address has more of them than the one that asks.
 */
import type { Ipv4 } from "../addresses.ts";
import type { Transfer } from "./transfer.ts";

/**
 * Most transfers at once.
 *
 * @internal A test uses it.
 */
export const CLIENTS_MAX = 256;
/**
 * Most transfers of one address: a node has one, GRUB a few that it has forgotten.
 *
 * @internal A test uses it.
 */
export const CLIENTS_PER_ADDRESS_MAX = 8;

/** What must be known of a client. */
interface Member {
  /** Address and port. */
  readonly key: string;
  readonly remote: { readonly address: Ipv4 };
  /** Undefined: it has not begun. */
  readonly running: { readonly transfer: Pick<Transfer, "isUnanswered"> } | undefined;
}

export class Clients<T extends Member> {
  /** The oldest first. */
  readonly #byKey = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  all(): Iterable<T> {
    return this.#byKey.values();
  }

  add(client: T): void {
    this.#byKey.set(client.key, client);
  }

  /** Removes a client; gives false if it is not here any more. */
  remove(client: T): boolean {
    return this.#byKey.get(client.key) === client && this.#byKey.delete(client.key);
  }

  takeAll(): readonly T[] {
    const all = [...this.#byKey.values()];
    this.#byKey.clear();
    return all;
  }

  /**
   * Finds out who must end before a client of this address can be added.
   *
   * @returns Undefined if nobody must; "refused" if nobody can.
   */
  makeRoom(address: Ipv4): T | "refused" | undefined {
    const all = [...this.#byKey.values()];
    const own = all.filter(({ remote }) => remote.address === address);
    if (own.length >= CLIENTS_PER_ADDRESS_MAX) return own.find(isUnanswered) ?? "refused";
    if (all.length < CLIENTS_MAX) return undefined;
    return all.find(isUnanswered) ?? ofGreediest(all, own.length + 1) ?? "refused";
  }
}

function isUnanswered({ running }: Member): boolean {
  return running === undefined || running.transfer.isUnanswered;
}

/** Gives the oldest client of the address that has most, if it has more than `least`. */
function ofGreediest<T extends Member>(all: readonly T[], least: number): T | undefined {
  const counts = new Map<Ipv4, number>();
  for (const { remote } of all) counts.set(remote.address, (counts.get(remote.address) ?? 0) + 1);
  const [greediest, most] = [...counts].sort((left, right) => right[1] - left[1])[0] ?? ["", 0];
  return most > least ? all.find(({ remote }) => remote.address === greediest) : undefined;
}
