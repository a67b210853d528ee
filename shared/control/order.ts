/**
 * Order: the server's signed instruction to one receiver. A disk is written only by order.
 *
 * An order names node, image and disk, expires, and repeats the nonce that the receiver drew when
 * it joined and the MAC addresses of the node. So the receiver itself refuses an order of an
 * earlier boot, of another node, or one that is forged. It believes nothing else in the answer.
 *
 * The order travels as the text that was signed: Ed25519 (RFC 8032) over "huck-order-v1\0" and that
 * text. The receiver checks the signature first and parses the text afterwards. So the signature
 * also covers fields that an older receiver does not know, and nobody can leave them out unnoticed.
 * Unknown fields are skipped. But an order that cannot be obeyed without them names their features
 * in `needs`, and a disk rule with an unknown condition is refused, so an older receiver never
 * writes to more than was meant.
 */
import { type KeyObject, createPublicKey, sign, verify } from "node:crypto";
import * as z from "zod";
import { canonicalJson } from "../core/canonical-json.ts";
import { jsonOf } from "../core/json.ts";
import { Features, toldTo } from "./feature.ts";
import { Digest, Id128, ImageName, MacAddress, NodeName, Timestamp } from "./names.ts";
import { LoadSpec, NodeSpec, SaveSpec } from "./spec.ts";

const common = {
  id: Id128,
  /** Which arm of the order comes next, 1 or 2: an order arms at most twice. */
  attempt: z.number().int().min(1).max(2),
  node: NodeName,
  /** All MAC addresses of the node; only a computer that has one of them obeys. */
  macs: z.array(MacAddress).min(1).max(32),
  /** The nonce that the receiver sent when it joined. */
  nonce: Id128,
  issuedAt: Timestamp,
  expiresAt: Timestamp,
  /** A receiver that lacks one of these features must not obey. */
  needs: Features,
  ...NodeSpec.shape,
};

export const LoadOrder = z.object({
  action: z.literal("load"),
  ...common,
  image: z.object({ id: Digest, name: ImageName }),
  ...LoadSpec.shape,
});
export type LoadOrder = z.infer<typeof LoadOrder>;

/** Read the disk and upload an image to the server. */
export const SaveOrder = z.object({
  action: z.literal("save"),
  ...common,
  name: ImageName,
  ...SaveSpec.shape,
});
export type SaveOrder = z.infer<typeof SaveOrder>;

export const Order = z.discriminatedUnion("action", [LoadOrder, SaveOrder]);
export type Order = z.infer<typeof Order>;

/** An order and its signature, as they travel. */
export const SignedOrder = z.object({
  /** JSON of an {@link Order}, exactly the bytes that were signed. */
  order: z.string().max(65_536),
  /** 64 bytes as hexadecimal. */
  signature: z.string().regex(/^[0-9a-f]{128}$/),
});
export type SignedOrder = z.infer<typeof SignedOrder>;

/**
 * Signs an order. Fields whose feature the receiver does not know are left out first.
 *
 * @param key - The server's Ed25519 private key.
 * @param known - Features that the receiver named; they include all that the order needs.
 */
export function signOrder(
  order: Order,
  key: KeyObject,
  known: readonly string[] = order.needs,
): SignedOrder {
  const text = Buffer.from(canonicalJson(toldTo(order, known)));
  return { order: text.toString(), signature: sign(null, signedBytes(text), key).toString("hex") };
}

/** What a receiver checks an order against. */
export interface OrderExpectation {
  /** Ed25519 public key of the server, 32 bytes, from the kernel command line. */
  readonly publicKey: Uint8Array;
  /** The MAC addresses with which the receiver joined. */
  readonly macs: readonly string[];
  readonly nonce: string;
  /** The features that the receiver knows. */
  readonly features: readonly string[];
  /**
   * The server's time at the join plus the monotonic time since: a node's own clock may be wrong.
   */
  readonly now: Date;
}

/** The result of opening a signed order. Only one that is `ok` may be obeyed. */
export type OpenedOrder =
  | { readonly ok: true; readonly order: Order }
  | {
      readonly ok: false;
      readonly code: "order_forged" | "order_replayed" | "order_expired" | "receiver_older";
      readonly reason: string;
      /** The id in the text, so that the server can be told which order is refused. */
      readonly claimedId: string | undefined;
    };

/** Opens an order with all checks that a receiver must make before it obeys. */
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

/** The part of an order that every version can read. */
const Claim = z.object({ id: Id128, needs: Features });

/** DER prefix of an Ed25519 SubjectPublicKeyInfo (RFC 8410 section 4); the 32 key bytes follow. */
export const SPKI_ED25519_PREFIX: Buffer = Buffer.from("302a300506032b6570032100", "hex");

function signedBytes(text: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from("huck-order-v1\0"), text]);
}
