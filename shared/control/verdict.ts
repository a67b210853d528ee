/**
 * Verdict: how one node ended, with reason and cure (promises P1, P3, P11), and the phases on the
 * way there.
 */
import * as z from "zod";
import { Bytes, Text, Timestamp } from "./names.ts";

/** Where a node is in its work; the sentence for each is in {@link PHASE_SENTENCES}. */
export const Phase = z.enum([
  "waiting",
  "booting",
  "joining",
  "planning",
  "probing",
  "scanning",
  "arming",
  "receiving",
  "capturing",
  "flushing",
  "verifying",
  "opening",
  "leaving",
  "done",
]);
/** Where a node is in its work. */
export type Phase = z.infer<typeof Phase>;

/** One sentence per phase, for people. */
export const PHASE_SENTENCES: Readonly<Record<Phase, string>> = {
  waiting: "has not been heard of yet",
  booting: "has asked for boot files",
  joining: "runs the receiver and asks what to do",
  planning: "compares disks with the order; nothing is touched",
  probing: "checks that multicast reaches it; nothing is touched",
  scanning: "digests what is on the disk already; nothing is touched",
  arming: "clears the partition table; from here on the disk does not boot until done",
  receiving: "receives and writes chunks",
  capturing: "reads its disk and streams the image; nothing is written",
  flushing: "waits for the disk to hold everything",
  verifying: "reads back what was written",
  opening: "writes the partition table and boot sectors",
  leaving: "leaves for its own system",
  done: "has given its verdict",
};

/** Stable names of the ways a node can end. */
export const VerdictCode = z.enum([
  "ok",
  "ok_unchanged",
  "no_disk_matches",
  "disk_ambiguous",
  "disk_in_use",
  "disk_too_small",
  "sector_size_differs",
  "order_forged",
  "order_replayed",
  "order_expired",
  "order_spent",
  "receiver_older",
  "unknown_node",
  "multicast_unreachable",
  "image_damaged",
  "image_unknown",
  "source_dirty",
  "disk_read_error",
  "disk_write_error",
  "verify_mismatch",
  "sender_lost",
  "server_unreachable",
  "memory_too_small",
  "upload_failed",
  "aborted",
  "lost",
  "receiver_fault",
]);
/** Stable names of the ways a node can end. */
export type VerdictCode = z.infer<typeof VerdictCode>;

/** A phase in something that is only shown: a word of a later version is read as a plain one. */
export const ShownPhase = Phase.catch("waiting");

/**
 * How one node ended. A code of a later version is read as a fault, never as a good ending; reason
 * and cure still tell what it was.
 */
export const Verdict = z.object({
  code: VerdictCode.catch("receiver_fault"),
  /** Last phase it was in. */
  phase: ShownPhase,
  /** What was found: one sentence. */
  reason: Text,
  /** What the operator can do; empty when all is well. */
  cure: Text,
  /** True when the disk was not written: by this boot as its node says, by the order as kept. */
  diskUntouched: z.boolean(),
  /** True when the disk holds a part of the image and does not boot. */
  incomplete: z.boolean(),
  bytesWritten: Bytes,
  at: Timestamp,
});
/** How one node ended. */
export type Verdict = z.infer<typeof Verdict>;

/**
 * Tells whether a verdict is a good one.
 *
 * @param verdict - Any verdict.
 * @returns True for `ok` and `ok_unchanged` only.
 */
export function isOk(verdict: Pick<Verdict, "code">): boolean {
  return verdict.code === "ok" || verdict.code === "ok_unchanged";
}
