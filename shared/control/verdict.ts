/**
 * Verdict: how one node ended, with reason and cure (promises P1, P3, P11), and the phases that a
 * node passes through.
 */
import * as z from "zod";
import { Bytes, Text, Timestamp } from "./names.ts";

/** What a node is doing; {@link PHASE_SENTENCES} explains each phase. */
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

/** Fixed names of the ways in which a node can end. */
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
export type VerdictCode = z.infer<typeof VerdictCode>;

/** A phase that is only shown: one that only a later version knows is read as `waiting`. */
export const ShownPhase = Phase.catch("waiting");

/**
 * How one node ended. A code that only a later version knows is read as `receiver_fault`, never as
 * a good ending; reason and cure still say what happened.
 */
export const Verdict = z.object({
  code: VerdictCode.catch("receiver_fault"),
  /** Last phase that the node was in. */
  phase: ShownPhase,
  /** What was found, in one sentence. */
  reason: Text,
  /** What the operator can do; empty if all is well. */
  cure: Text,
  /**
   * True if nothing was written to the disk, neither in this boot (the node says so) nor in an
   * earlier boot of the same order (the server's journal says so).
   */
  diskUntouched: z.boolean(),
  /** True if the disk holds only a part of the image and does not boot. */
  incomplete: z.boolean(),
  bytesWritten: Bytes,
  at: Timestamp,
});
export type Verdict = z.infer<typeof Verdict>;

/** True only for `ok` and `ok_unchanged`. */
export function isOk(verdict: Pick<Verdict, "code">): boolean {
  return verdict.code === "ok" || verdict.code === "ok_unchanged";
}
