/**
 * WantedState: what a node should become. The server decides by it at every contact; a node stores
 * no intent. It is no message: what a node is told of it is its order.
 */

/** Boot the node's own disk, or enter the receiver for an order. */
export type WantedState =
  | { readonly kind: "disk" }
  | { readonly kind: "load" | "save"; readonly order: string };

/** An order arms at most this often; then the node needs a person. */
export const ORDER_ARMS_MAX = 2;
