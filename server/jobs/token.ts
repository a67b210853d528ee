/**
 * Tokens: how a node without an identity of its own proves that we booted it.
 *
 * A token is minted when a node fetches its boot script, is bound to the MAC that fetched it, and
 * is good for one join. From then on it speaks for the node as long as its order is open. When a
 * node joins with a newer token, the older one ends. We keep only digests of tokens. Someone who
 * reads the network can steal a token, but cannot have another node's disk written with it, because
 * orders are signed for one node and one nonce.
 */
import { createHash } from "node:crypto";
import type { Journal, TokenRecord } from "./journal.ts";

/** Why a token is not accepted. */
export type TokenFault = "unknown" | "expired" | "spent" | "other MAC";

/** What a node shows when it joins. */
export interface TokenUse {
  readonly token: string;
  /** Nonce of this boot. */
  readonly nonce: string;
  /** All MACs of the node. */
  readonly macs: readonly string[];
}

/** All tokens that may still be used. `now` is always milliseconds since 1970. */
export class TokenBook {
  readonly #journal: Journal;
  readonly #isNeeded: (record: TokenRecord) => boolean;
  readonly #tokens: Map<string, TokenRecord>;

  /**
   * @param isNeeded - Whether the boot that joined with this token has an open order. Such a token
   *   does not expire, because the deadline of the order may have moved.
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
   * Mints a token for a node. It must join within {@link JOIN_WITHIN_MS}.
   *
   * @param token - 128 fresh random bits as hexadecimal.
   * @param mac - The MAC that the token is bound to.
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
   * Uses a token for its one join. If the same boot did not get the answer, it may ask again.
   *
   * @returns The record, or why the token is not accepted.
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
   * Notes that a join succeeded.
   *
   * @param goodUntil - When the order ends: milliseconds since 1970.
   */
  joined(record: TokenRecord, nonce: string, goodUntil: number): void {
    this.#keep({ ...record, nonce, goodUntil });
  }

  /**
   * Checks a token with which a joined node speaks.
   *
   * @returns The record, or why the token is not accepted.
   */
  speaks(token: string, now: number): TokenRecord | TokenFault {
    const record = this.#tokens.get(digestOf(token));
    if (record?.nonce === undefined || record.nonce === null) return "unknown";
    return now > record.goodUntil && !this.#isNeeded(record) ? "expired" : record;
  }

  /** Forgets tokens that can never be used again. */
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
 * Time from script to join, enough for firmware, kernel and initramfs of the slowest node.
 */
export const JOIN_WITHIN_MS = 600_000;
/** Unused tokens of one node: iPXE may fetch its script several times in one boot. */
const UNUSED_MAX = 8;
