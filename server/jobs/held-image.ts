/**
 * Which image a node's disk holds, as far as huck knows: what `huck status` shows.
 *
 * Only loads change it, and only if they wrote something: a load that failed before its first chunk
 * leaves the disk with what it had.
 */
import { isOk } from "../../shared/control/verdict.ts";
import type { Verdict } from "../../shared/control/verdict.ts";
import type { HeldImage, JobRecord, OrderRecord, SightRecord } from "./journal.ts";

/**
 * Says what the disk holds after a verdict.
 *
 * @param before - What it held when the job began.
 */
export function heldAfter(
  job: Pick<JobRecord, "image" | "terms">,
  verdict: Verdict,
  before: HeldImage | null,
): HeldImage | null {
  if (job.terms.action !== "load") return before;
  return heldBy(job.image, verdict) ?? before;
}

/** Says what the disk holds while an order is open: once it may be written, only a part. */
export function heldDuring(
  job: Pick<JobRecord, "image" | "terms">,
  { armed }: Pick<OrderRecord, "armed">,
  before: HeldImage | null,
): HeldImage | null {
  const isWritten = job.terms.action === "load" && armed > 0;
  return isWritten ? { image: job.image, incomplete: true } : before;
}

/** Says what the disk of an idle node holds. Records of older versions tell only the last job. */
export function heldOf(sight: SightRecord | undefined): HeldImage | null {
  if (sight === undefined) return null;
  if (sight.held !== undefined) return sight.held;
  const { last } = sight;
  return last === null ? null : (heldBy(last.image, last.verdict) ?? null);
}

function heldBy(image: string, verdict: Verdict): HeldImage | undefined {
  if (isOk(verdict)) return { image, incomplete: false };
  return verdict.diskUntouched ? undefined : { image, incomplete: true };
}
