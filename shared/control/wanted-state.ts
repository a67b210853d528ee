/**
 * WantedState: what a node should become. The server decides by it at every contact; a node stores
 * no intent. It is never sent: a node gets an order instead.
 */

/** Boot the node's own disk, or enter the receiver for an order. */
export type WantedState =
  | { readonly kind: "disk" }
  | { readonly kind: "load" | "save"; readonly order: string };

/** How often an order may arm. After that the node needs a person. */
export const ORDER_ARMS_MAX = 2;
