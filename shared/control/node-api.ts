/**
 * Node API: what a receiver says to the server over HTTP on the lab network (CONTROL.md section 4).
 *
 * Every request but `join` has the header `authorization: Bearer <token>`. The token came with the
 * boot script, is bound to the node's MAC addresses and is valid as long as its order. Bodies are
 * JSON if nothing else is said. Requests are strict and replies are open: the server refuses a
 * field that it does not know, the receiver skips one (CONTROL.md section 8).
 */
import * as z from "zod";
import { DiskDescription } from "./disk-rule.ts";
import {
  Bytes,
  Digest,
  Id128,
  ImageName,
  MacAddress,
  NodeName,
  SessionIdText,
  Text,
  Timestamp,
} from "./names.ts";
import { Features } from "./feature.ts";
import { SignedOrder } from "./order.ts";
import { Phase, Verdict, VerdictCode } from "./verdict.ts";

export const NodeRoute = {
  /** POST {@link JoinRequest} -> {@link JoinReply}. */
  join: "/node/v1/join",
  /** POST {@link SessionRequest} -> {@link SessionTerms}. */
  session: "/node/v1/session",
  /** POST {@link ArmRequest} -> {@link ArmReply}. */
  arm: "/node/v1/arm",
  /** POST {@link StatusReport} -> {@link StatusReply}. */
  status: "/node/v1/status",
  /** POST {@link VerdictReport} -> {@link StatusReply}. */
  verdict: "/node/v1/verdict",
  /** GET: bytes of the image file from the chunk table to its end (application/octet-stream). */
  manifest: "/node/v1/manifest",
  /** GET with `/<index>`: the record of one chunk (application/octet-stream). */
  chunk: "/node/v1/chunk",
  /** PUT: the image file as it is written (application/octet-stream) -> {@link CaptureReply}. */
  capture: "/node/v1/capture",
} as const;

/** A network interface of the node. */
const NodeInterface = z.strictObject({
  name: z.string().max(32),
  mac: MacAddress,
  driver: z.string().max(64),
  speedMbit: z.number().int().min(0).max(1_000_000),
});

/** A receiver identifies itself and asks what to do. */
export const JoinRequest = z.strictObject({
  /** From the kernel command line. */
  token: Id128,
  /** Drawn at random for this boot; the signed order repeats it. */
  nonce: Id128,
  macs: z.array(MacAddress).min(1).max(32),
  interfaces: z.array(NodeInterface).max(32),
  disks: z.array(DiskDescription.strict()).max(256),
  memoryBytes: Bytes,
  /** Version of the receiver. */
  version: z.string().max(64),
  /** The features that the receiver knows. */
  features: Features,
});
export type JoinRequest = z.infer<typeof JoinRequest>;

/** What the node shall do: an order, or null if it shall only leave the receiver. */
export const JoinReply = z.object({
  node: NodeName,
  serverTime: Timestamp,
  /** The features that the server knows. */
  features: Features,
  order: SignedOrder.nullable(),
});
export type JoinReply = z.infer<typeof JoinReply>;

/** A receiver asks for a place in the session of its order. */
export const SessionRequest = z.strictObject({ order: Id128 });
export type SessionRequest = z.infer<typeof SessionRequest>;

/** Everything a receiver needs to take part in a session. */
export const SessionTerms = z.object({
  session: SessionIdText,
  /** Multicast group and port of the data plane. */
  group: z.string().max(45),
  port: z.number().int().min(1).max(65535),
  /** The sender's unicast address, to which NACKs are sent. */
  sender: z.object({ address: z.string().max(45), port: z.number().int().min(1).max(65535) }),
  symbolBytes: z.number().int().min(32).max(8896),
  /** SipHash key of this session: 16 bytes as hexadecimal. */
  key: Id128,
  /** Number by which this receiver identifies itself in the session. */
  member: z.number().int().min(1).max(0xffffffff),
  imageId: Digest,
  chunkCount: z
    .number()
    .int()
    .min(1)
    .max(1 << 24),
});
export type SessionTerms = z.infer<typeof SessionTerms>;

/** A receiver asks whether it may clear the partition table of this disk. */
export const ArmRequest = z.strictObject({ order: Id128, disk: DiskDescription.strict() });
export type ArmRequest = z.infer<typeof ArmRequest>;

/** Whether it may. If not, the node gives a verdict with the same code. */
export const ArmReply = z.discriminatedUnion("allowed", [
  z.object({ allowed: z.literal(true) }),
  z.object({
    allowed: z.literal(false),
    code: VerdictCode.catch("order_spent"),
    reason: Text,
  }),
]);
export type ArmReply = z.infer<typeof ArmReply>;

/** The server has the image, and it is durable. */
export const CaptureReply = z.object({ name: ImageName, id: Digest });
export type CaptureReply = z.infer<typeof CaptureReply>;

/** What the node does; sent at every change of phase and at least every two seconds. */
export const StatusReport = z.strictObject({
  order: Id128.nullable(),
  phase: Phase,
  detail: Text,
  doneBytes: Bytes,
  totalBytes: Bytes,
  bytesPerSecond: Bytes,
  loss: z.number().min(0).max(1),
});
export type StatusReport = z.infer<typeof StatusReport>;

/** Whether the node shall stop at its next safe point. */
export const StatusReply = z.object({ abort: z.boolean() });
export type StatusReply = z.infer<typeof StatusReply>;

/** How the node ended. Repeated until the server answers, within the time bound of the order. */
export const VerdictReport = z.strictObject({ order: Id128, verdict: Verdict.strict() });
export type VerdictReport = z.infer<typeof VerdictReport>;
