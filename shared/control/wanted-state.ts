/**
 * WantedState: what a node should become. The server decides by it at every contact; a node stores
 * no intent.
 */
import * as z from "zod";
import { Digest, Id128, ImageName, Timestamp } from "./names.ts";
import { LeaveMode, VerifyLevel } from "./order.ts";

/** Nothing to do: boot your disk. What every node wants unless somebody asked for more. */
const WantDisk = z.strictObject({ kind: z.literal("disk") });
/** Enter the receiver and write an image. */
const WantImage = z.strictObject({
  kind: z.literal("load"),
  job: Id128,
  order: Id128,
  image: z.strictObject({ id: Digest, name: ImageName }),
  verify: VerifyLevel,
  leave: LeaveMode,
  delta: z.boolean(),
  expiresAt: Timestamp,
  /** How often the order has armed so far; it arms at most twice. */
  armed: z.number().int().min(0).max(2),
});
/** Enter the receiver and stream the disk to the server. */
const WantSave = z.strictObject({
  kind: z.literal("save"),
  job: Id128,
  order: Id128,
  name: ImageName,
  rawIfDirty: z.boolean(),
  level: z.number().int().min(1).max(19),
  leave: LeaveMode,
  expiresAt: Timestamp,
});

/** What a node should become. */
export const WantedState = z.discriminatedUnion("kind", [WantDisk, WantImage, WantSave]);
/** What a node should become. */
export type WantedState = z.infer<typeof WantedState>;

/** An order arms at most this often; then the node needs a person. */
export const ORDER_ARMS_MAX = 2;
