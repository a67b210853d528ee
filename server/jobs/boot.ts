/** One boot of a node, as an order is signed for it. */

export interface Boot {
  /** Random bits that the receiver drew in this boot; the order is good for no other. */
  readonly nonce: string;
  /** All MAC addresses of the node. */
  readonly macs: readonly string[];
  /** When it joined. Unit: milliseconds since 1970. */
  readonly now: number;
}
