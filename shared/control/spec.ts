/**
 * What an operator asks of a job, said once: request, job record and order are made of these
 * shapes.
 *
 * A field's default is what its absence means, wherever it is absent: in a request that leaves it
 * out, in a journal or an order that was written before the field existed. So a new field has a
 * default that changes nothing. It is added here; whoever obeys it reads it from the order, and the
 * verb offers an option. A receiver that does not know the field must not be given an order that
 * uses it: see feature.ts.
 */
import * as z from "zod";
import { DiskRules } from "./disk-rule.ts";

/** How much of what was written is read back before the boot gate opens. */
export const VerifyLevel = z.enum(["flush", "sample", "full"]);
/** How much of what was written is read back before the boot gate opens. */
export type VerifyLevel = z.infer<typeof VerifyLevel>;

/** How the node leaves the receiver when it is done. */
export const LeaveMode = z.enum(["reboot", "poweroff", "stay"]);
/** How the node leaves the receiver when it is done. */
export type LeaveMode = z.infer<typeof LeaveMode>;

/** What may differ from node to node of a job; a request that is silent leaves it to huck.yaml. */
export const NodeSpec = z.object({ disk: DiskRules, leave: LeaveMode });
/** What may differ from node to node of a job. */
export type NodeSpec = z.infer<typeof NodeSpec>;

/** What a load asks of the receiver of every node. */
export const LoadSpec = z.object({
  verify: VerifyLevel.default("sample"),
  /** Digest the disk first and take only what differs. */
  delta: z.boolean().default(true),
});
/** What a load asks of the receiver of every node. */
export type LoadSpec = z.infer<typeof LoadSpec>;

/** What a load asks of its session; the server obeys it, no receiver is told. */
export const DeliverySpec = z.object({
  /** Cap of the session; absent: found by measurement. Unit: bits per second. */
  rateBitsPerSecond: z.number().int().min(1_000_000).max(100_000_000_000).optional(),
  /** The session starts when all nodes are there or this much time has passed since the first. */
  gatherSeconds: z.number().int().min(0).max(3600).default(30),
});
/** What a load asks of its session. */
export type DeliverySpec = z.infer<typeof DeliverySpec>;

/** What a save asks of the receiver of its node. */
export const SaveSpec = z.object({
  /** Keep every block of a file system that was not unmounted cleanly, instead of refusing it. */
  rawIfDirty: z.boolean().default(false),
  /** zstd level. */
  level: z.number().int().min(1).max(19).default(3),
});
/** What a save asks of the receiver of its node. */
export type SaveSpec = z.infer<typeof SaveSpec>;
