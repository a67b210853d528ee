/**
 * Order: the server's signed instruction to one receiver. Only an order can make a disk be written.
 *
 * It names node, image and disk, expires, and carries the nonce that the receiver invented when it
 * joined and the MAC addresses of the node, so that yesterday's order, another node's order and a
 * forged one are refused by the receiver itself. Nothing of the answer around it is believed.
 *
 * The order travels as the very text that was signed: Ed25519 (RFC 8032) over "huck-order-v1\0" and
 * that text. The signature is checked first, then the text is parsed, so what an older receiver
 * does not know is signed too and no copy can be made of the rest without it. Unknown fields are
 * skipped, but an order that cannot be obeyed without them names their features in `needs`, and
 * disk rules admit no unknown condition: what is not understood never widens what is.
 */
import { type KeyObject, createPublicKey, sign, verify } from "node:crypto";
import * as z from "zod";
import { canonicalJson } from "../core/canonical-json.ts";
import { Features, toldTo } from "./feature.ts";
import { Digest, Id128, ImageName, MacAddress, NodeName, Timestamp } from "./names.ts";
import { LoadSpec, NodeSpec, SaveSpec } from "./spec.ts";

const common = {
  id: Id128,
  /** 1 or 2: an order arms at most twice. */
  attempt: z.number().int().min(1).max(2),
  node: NodeName,
  /** All MAC addresses of the node: only a computer that has one of them obeys. */
  macs: z.array(MacAddress).min(1).max(32),
  /** What the receiver sent when it joined. */
  nonce: Id128,
  issuedAt: Timestamp,
  expiresAt: Timestamp,
  /** A receiver that lacks one of these features must not obey. */
  needs: Features,
  ...NodeSpec.shape,
};

/** Write an image to the disk. */
export const LoadOrder = z.object({
  action: z.literal("load"),
  ...common,
  image: z.object({ id: Digest, name: ImageName }),
  ...LoadSpec.shape,
});
/** Write an image to the disk. */
export type LoadOrder = z.infer<typeof LoadOrder>;

/** Read the disk and stream an image to the server. */
export const SaveOrder = z.object({
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

/** An order as it travels. */
export const SignedOrder = z.object({
  /** JSON of an {@link Order}: what was signed, byte for byte. */
  order: z.string().max(65_536),
  /** 64 bytes as hexadecimal. */
  signature: z.string().regex(/^[0-9a-f]{128}$/),
});
/** An order as it travels. */
export type SignedOrder = z.infer<typeof SignedOrder>;

/**
 * Signs an order.
 *
 * @param order - What the node is to do.
 * @param key - The server's Ed25519 private key.
 * @param known - Features of the receiver, among them all that the order needs.
 * @returns The order as that receiver may be told it.
 */
export function signOrder(
  order: Order,
  key: KeyObject,
  known: readonly string[] = order.needs,
): SignedOrder {
  const text = Buffer.from(canonicalJson(toldTo(order, known)));
  return { order: text.toString(), signature: sign(null, signedBytes(text), key).toString("hex") };
}

/** What a receiver knows when an order comes in. */
export interface OrderExpectation {
  /** Ed25519 public key of the server, 32 bytes, from the kernel command line. */
  readonly publicKey: Uint8Array;
  /** The receiver's own MAC addresses, as it joined with them. */
  readonly macs: readonly string[];
  readonly nonce: string;
  /** What it knows beyond the frozen schemas. */
  readonly features: readonly string[];
  /**
   * The server's time at joining plus the monotonic time since: a node's own clock may be wrong.
   */
  readonly now: Date;
}

/** What a receiver makes of a signed order: only one that is `ok` may be obeyed. */
export type OpenedOrder =
  | { readonly ok: true; readonly order: Order }
  | {
      readonly ok: false;
      readonly code: "order_forged" | "order_replayed" | "order_expired" | "receiver_older";
      readonly reason: string;
      /** Id that the text claims, to tell the server which order is refused. */
      readonly claimedId: string | undefined;
    };

/**
 * Opens an order as the receiver must before it obeys.
 *
 * @param signed - As it came.
 * @param expected - What this receiver knows.
 * @returns The order, or why it is not obeyed.
 */
export function openOrder(signed: SignedOrder, expected: OrderExpectation): OpenedOrder {
  const text = Buffer.from(signed.order);
  const value = jsonOf(signed.order);
  const claim = Claim.safeParse(value).data;
  const refuse = (code: RefusalCode, reason: string): OpenedOrder => ({
    ok: false,
    code,
    reason: `order ${claim?.id ?? "without an id"} ${reason}`,
    claimedId: claim?.id,
  });
  const key = createPublicKey({
    key: Buffer.concat([SPKI_ED25519_PREFIX, expected.publicKey]),
    format: "der",
    type: "spki",
  });
  if (!verify(null, signedBytes(text), key, Buffer.from(signed.signature, "hex"))) {
    return refuse("order_forged", "is not signed by this server");
  }
  const lacking = claim?.needs.filter((feature) => !expected.features.includes(feature)) ?? [];
  if (lacking.length > 0) {
    return refuse("receiver_older", `needs ${lacking.join(", ")}, which this receiver lacks`);
  }
  const parsed = Order.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`;
    return refuse("receiver_older", `cannot be read by this receiver: ${where}`);
  }
  const order = parsed.data;
  if (order.nonce !== expected.nonce || !order.macs.some((mac) => expected.macs.includes(mac))) {
    return refuse("order_replayed", `was given to node "${order.node}" for another boot`);
  }
  if (expected.now.getTime() > Date.parse(order.expiresAt)) {
    return refuse("order_expired", `expired at ${order.expiresAt}`);
  }
  return { ok: true, order };
}

type RefusalCode = Extract<OpenedOrder, { ok: false }>["code"];

/** What is read of an order before all of it is. */
const Claim = z.object({ id: Id128, needs: Features });

/** DER prefix of an Ed25519 SubjectPublicKeyInfo (RFC 8410 section 4); the 32 key bytes follow. */
export const SPKI_ED25519_PREFIX: Buffer = Buffer.from("302a300506032b6570032100", "hex");

function signedBytes(text: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from("huck-order-v1\0"), text]);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema that comes next refuses it
  }
}
