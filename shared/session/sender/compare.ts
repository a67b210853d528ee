/**
 * Compares the active members of a session with one another: which of them are worse than the group
 * can bear.
 *
 * Every judgement is against the median, so a group that is slow or lossy as a whole is served as
 * it is. The medians are by address (vote.ts).
 */
import type { SenderPolicy } from "./policy.ts";
import { weightedMedian } from "./vote.ts";
import type { Voter } from "./vote.ts";

/** From here on we take a ring to fill because its disk does not keep up. Unit: percent. */
export const RING_HALF = 50;

/** What is compared of a member: see `Member`. */
export interface Compared extends Voter {
  readonly loss: number;
  readonly drainKiBs: number;
  readonly ringPercent: number;
  readonly receivedKiBs: number;
  readonly newDrops: number;
}

/** What the members are compared by. */
export interface Comparison {
  /** Members whose rings fill while their disks finish nothing. */
  readonly stuck: ReadonlySet<Compared>;
  /** What the network carries, not counting limits by slow members. Unit: KiB/s. */
  readonly paceKiBs: number;
  readonly policy: SenderPolicy;
}

/**
 * @param active - With their shares of the vote.
 * @returns The median loss, and the members that are a cause to shed them.
 */
export function compare(
  active: readonly Compared[],
  { stuck, paceKiBs, policy }: Comparison,
): { readonly medianLoss: number; readonly causes: ReadonlySet<Compared> } {
  const medianLoss = -weightedMedian(active, (member) => -member.loss, 0);
  const capacityOf = (one: Compared): number => {
    if (stuck.has(one)) return 0;
    return one.drainKiBs === 0 ? Infinity : one.drainKiBs;
  };
  const drain = Math.min(weightedMedian(active, capacityOf, Infinity), paceKiBs);
  const received = weightedMedian(active, (member) => member.receivedKiBs, 0);
  const causes = new Set<Compared>();
  for (const member of active) {
    const lossy = member.loss > policy.shedLoss + 2 * medianLoss;
    const slow =
      member.drainKiBs > 0 &&
      member.drainKiBs < policy.heldShare * drain &&
      member.ringPercent >= RING_HALF;
    const choked = member.newDrops > 0 && member.receivedKiBs < policy.heldShare * received;
    if (lossy || slow || choked || stuck.has(member)) causes.add(member);
  }
  return { medianLoss, causes };
}
