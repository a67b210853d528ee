/**
 * Tokens: how a node proves that it was booted by us, without an identity of its own
 * (protocol-and-safety 3.4).
 *
 * A token is minted when a node fetches its boot script. It is bound to that MAC and good for one
 * join; from then on it speaks for the node as long as its order lives, or until a newer token of
 * the node joins. Only digests are kept. At this tier a sniffer may steal a token, but it cannot
 * have another node's disk written, because orders are signed for a node and a nonce.
 */
import { createHash } from "node:crypto";
import type { Journal, TokenRecord } from "./journal.ts";

/** What a token is good for. */
export type TokenFault = "unknown" | "expired" | "spent" | "other MAC";

/** What a join shows. */
export interface TokenUse {
  readonly token: string;
  /** Of this boot. */
  readonly nonce: string;
  /** All MACs of the node. */
  readonly macs: readonly string[];
}

/** All tokens that may still be used. */
export class TokenBook {
  readonly #journal: Journal;
  readonly #isNeeded: (record: TokenRecord) => boolean;
  readonly #tokens: Map<string, TokenRecord>;

  /**
   * @param journal - Keeps them over a restart.
   * @param remembered - What it held.
   * @param isNeeded - Whether the boot that joined by this token has an order that is open; such a
   *   token does not expire, for the deadline of the order may have moved.
   */
  constructor(
    journal: Journal,
    remembered: readonly TokenRecord[],
    isNeeded: (record: TokenRecord) => boolean = () => false,
  ) {
    this.#journal = journal;
    this.#isNeeded = isNeeded;
    this.#tokens = new Map(remembered.map((token) => [token.digest, token]));
  }

  /**
   * Mints a token.
   *
   * @param token - 128 fresh random bits as hexadecimal.
   * @param node - Whose.
   * @param mac - The MAC it is bound to.
   * @param now - Milliseconds since 1970.
   */
  mint(token: string, node: string, mac: string, now: number): void {
    this.sweep(now);
    const unused = [...this.#tokens.values()].filter(
      (old) => old.node === node && old.nonce === null,
    );
    for (const old of unused.slice(0, Math.max(0, unused.length + 1 - UNUSED_MAX))) this.#drop(old);
    const record: TokenRecord = {
      digest: digestOf(token),
      node,
      mac,
      joinBy: now + JOIN_WITHIN_MS,
      nonce: null,
      goodUntil: 0,
    };
    this.#keep(record);
  }

  /**
   * Uses a token for its one join. The same boot may ask again when the answer was lost on the way.
   *
   * @param join - Token, nonce of this boot, MACs of the node.
   * @param now - Milliseconds since 1970.
   * @returns The record, or why not.
   */
  join(join: TokenUse, now: number): TokenRecord | TokenFault {
    const record = this.#tokens.get(digestOf(join.token));
    if (record === undefined) return "unknown";
    if (record.nonce !== null && record.nonce !== join.nonce) return "spent";
    if (record.nonce === null && now > record.joinBy) return "expired";
    if (!join.macs.includes(record.mac)) return "other MAC";
    if (record.nonce === null) this.#dropOlder(record);
    return record;
  }

  /**
   * Notes that a join was answered.
   *
   * @param record - From `join`.
   * @param nonce - Of this boot.
   * @param goodUntil - The order's end. Milliseconds since 1970.
   */
  joined(record: TokenRecord, nonce: string, goodUntil: number): void {
    this.#keep({ ...record, nonce, goodUntil });
  }

  /**
   * Checks a token that speaks for its node.
   *
   * @param token - As sent.
   * @param now - Milliseconds since 1970.
   * @returns The record, or why not.
   */
  speaks(token: string, now: number): TokenRecord | TokenFault {
    const record = this.#tokens.get(digestOf(token));
    if (record?.nonce === undefined || record.nonce === null) return "unknown";
    return now > record.goodUntil && !this.#isNeeded(record) ? "expired" : record;
  }

  /**
   * Forgets what can never be used again.
   *
   * @param now - Milliseconds since 1970.
   */
  sweep(now: number): void {
    for (const record of this.#tokens.values()) {
      const { nonce, joinBy, goodUntil } = record;
      if (now > (nonce === null ? joinBy : goodUntil) && !this.#isNeeded(record)) {
        this.#drop(record);
      }
    }
  }

  #keep(record: TokenRecord): void {
    this.#journal.putToken(record);
    this.#tokens.set(record.digest, record);
  }

  /**
   * A join that was under way while its node restarted must not end the token of the newer boot, so
   * the first join takes all older tokens away, used or not. Tokens stand in the order of minting.
   */
  #dropOlder(joining: TokenRecord): void {
    let isOlder = true;
    for (const old of this.#tokens.values()) {
      if (old === joining) isOlder = false;
      else if (old.node === joining.node && (isOlder || old.nonce !== null)) this.#drop(old);
    }
  }

  #drop(record: TokenRecord): void {
    this.#journal.dropToken(record.digest);
    this.#tokens.delete(record.digest);
  }
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/**
 * From the script to the join: firmware, kernel and initramfs of the slowest node
 * (protocol-and-safety 3.4).
 */
export const JOIN_WITHIN_MS = 600_000;
/** Unused tokens of one node: iPXE may fetch its script several times in one boot. */
const UNUSED_MAX = 8;
