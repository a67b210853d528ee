/**
 * Order: the server's signed instruction to one receiver. Only an order can make a disk be written.
 *
 * It names node, image and disk, expires, and carries the nonce that the receiver invented when it
 * joined, so that yesterday's order, another node's order and a forged one are refused by the
 * receiver itself. The signature is Ed25519 (RFC 8032) over "huck-order-v1\0" and the canonical
 * JSON of all other members.
 */
import { type KeyObject, createPublicKey, sign, verify } from "node:crypto";
import * as z from "zod";
import { canonicalJson } from "../core/canonical-json.ts";
import { Digest, Id128, ImageName, NodeName, Timestamp } from "./names.ts";
import { LoadSpec, NodeSpec, SaveSpec } from "./spec.ts";

const common = {
  id: Id128,
  /** 1 or 2: an order arms at most twice. */
  attempt: z.number().int().min(1).max(2),
  node: NodeName,
  /** What the receiver sent when it joined. */
  nonce: Id128,
  issuedAt: Timestamp,
  expiresAt: Timestamp,
  ...NodeSpec.shape,
};

/** Write an image to the disk. */
export const LoadOrder = z.strictObject({
  action: z.literal("load"),
  ...common,
  image: z.strictObject({ id: Digest, name: ImageName }),
  ...LoadSpec.shape,
});
/** Write an image to the disk. */
export type LoadOrder = z.infer<typeof LoadOrder>;

/** Read the disk and stream an image to the server. */
export const SaveOrder = z.strictObject({
  action: z.literal("save"),
  ...common,
  name: ImageName,
  ...SaveSpec.shape,
});
/** Read the disk and stream an image to the server. */
export type SaveOrder = z.infer<typeof SaveOrder>;

/** Any order. */
export const Order = z.discriminatedUnion("action", [LoadOrder, SaveOrder]);
/** Any order. */
export type Order = z.infer<typeof Order>;

/** An order with its signature: 64 bytes as hexadecimal. */
export const SignedOrder = z.strictObject({
  order: Order,
  signature: z.string().regex(/^[0-9a-f]{128}$/),
});
/** An order with its signature. */
export type SignedOrder = z.infer<typeof SignedOrder>;

/** Why a receiver does not obey. */
export type OrderRefusal =
  | { readonly code: "order_forged"; readonly reason: string }
  | { readonly code: "order_replayed"; readonly reason: string }
  | { readonly code: "order_expired"; readonly reason: string };

/**
 * Signs an order.
 *
 * @param order - What the node is to do.
 * @param key - The server's Ed25519 private key.
 * @returns The order with its signature.
 */
export function signOrder(order: Order, key: KeyObject): SignedOrder {
  return { order, signature: sign(null, signedBytes(order), key).toString("hex") };
}

/** What a receiver knows when an order comes in. */
export interface OrderExpectation {
  /** Ed25519 public key of the server, 32 bytes, from the kernel command line. */
  readonly publicKey: Uint8Array;
  readonly node: string;
  readonly nonce: string;
  /**
   * The server's time at joining plus the monotonic time since: a node's own clock may be wrong.
   */
  readonly now: Date;
}

/**
 * Checks an order as the receiver must before it obeys.
 *
 * @param signed - Parsed by {@link SignedOrder}.
 * @param expected - What this receiver knows.
 * @returns Undefined when the order holds, else why not.
 */
export function refuseOrder(
  signed: SignedOrder,
  expected: OrderExpectation,
): OrderRefusal | undefined {
  const { order } = signed;
  const key = createPublicKey({
    key: Buffer.concat([SPKI_ED25519_PREFIX, expected.publicKey]),
    format: "der",
    type: "spki",
  });
  const signature = Buffer.from(signed.signature, "hex");
  if (!verify(null, signedBytes(order), key, signature)) {
    return { code: "order_forged", reason: `order ${order.id} is not signed by this server` };
  }
  if (order.node !== expected.node || order.nonce !== expected.nonce) {
    return {
      code: "order_replayed",
      reason: `order ${order.id} was given to node "${order.node}" for another boot`,
    };
  }
  if (expected.now.getTime() > Date.parse(order.expiresAt)) {
    return { code: "order_expired", reason: `order ${order.id} expired at ${order.expiresAt}` };
  }
  return undefined;
}

/** DER prefix of an Ed25519 SubjectPublicKeyInfo (RFC 8410 section 4); the 32 key bytes follow. */
export const SPKI_ED25519_PREFIX: Buffer = Buffer.from("302a300506032b6570032100", "hex");

function signedBytes(order: Order): Buffer {
  return Buffer.concat([Buffer.from("huck-order-v1\0"), canonicalJson(order)]);
}
