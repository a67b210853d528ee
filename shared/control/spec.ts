/**
 * What an operator asks of a job. Request, job record and order are all built from these shapes.
 *
 * The default of a field is what its absence means: in a request that leaves it out, and in a
 * journal or an order that was written before the field existed. So a new field needs a default
 * that changes nothing. To add one: add it here, read it from the order where it is obeyed, and
 * give the verb an option. A receiver that does not know the field must not get an order that uses
 * it: see feature.ts.
 */
import * as z from "zod";
import { DiskRules } from "./disk-rule.ts";

/** How much of what was written is read back before the boot gate opens. */
export const VerifyLevel = z.enum(["flush", "sample", "full"]);
export type VerifyLevel = z.infer<typeof VerifyLevel>;

/** What the node does when it leaves the receiver. */
export const LeaveMode = z.enum(["reboot", "poweroff", "stay"]);
export type LeaveMode = z.infer<typeof LeaveMode>;

/** Settings that may differ between the nodes of a job; huck.yaml has them if a request has not. */
export const NodeSpec = z.object({ disk: DiskRules, leave: LeaveMode });
export type NodeSpec = z.infer<typeof NodeSpec>;

/** What a load asks of the receiver of every node. */
export const LoadSpec = z.object({
  verify: VerifyLevel.default("sample"),
  /** Digest the disk first and take only what differs. */
  delta: z.boolean().default(true),
});
export type LoadSpec = z.infer<typeof LoadSpec>;

/** What a load asks of its session. Only the server obeys it; receivers are not told. */
export const DeliverySpec = z.object({
  /** Cap of the session; absent: the sender measures. Unit: bits per second. */
  rateBitsPerSecond: z.number().int().min(1_000_000).max(100_000_000_000).optional(),
  /** The session starts when all nodes are there, or this long after the first one. */
  gatherSeconds: z.number().int().min(0).max(3600).default(30),
});
export type DeliverySpec = z.infer<typeof DeliverySpec>;

/** What a save asks of the receiver of its node. */
export const SaveSpec = z.object({
  /** Keep every block of a file system that was not unmounted cleanly, instead of refusing it. */
  rawIfDirty: z.boolean().default(false),
  /** Keep all that lies between partitions and behind file systems. */
  keepGaps: z.boolean().default(false),
  level: z.number().int().min(1).max(19).default(3),
});
export type SaveSpec = z.infer<typeof SaveSpec>;
