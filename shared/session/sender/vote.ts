/**
 * Medians over members in which every address has one vote.
 *
 * A computer can claim to be many members. What they say together then counts as much as what any
 * other computer says alone.
 */
import type { Endpoint } from "../../core/engine.ts";

/** A sum of shares that is this close to one half is one half. */
const ROUNDING = 1e-9;

/** A member that has a vote, or a share of one. */
export interface Voter {
  readonly remote: Endpoint;
  /** Share of its address's vote, above 0, at most 1. */
  readonly vote: number;
}

/** Gives each member its share of the vote of its address. */
export function shares(voters: readonly { readonly remote: Endpoint; vote: number }[]): void {
  const counts = new Map<string, number>();
  for (const { remote } of voters)
    counts.set(remote.address, (counts.get(remote.address) ?? 0) + 1);
  for (const voter of voters) voter.vote = 1 / (counts.get(voter.remote.address) ?? 1);
}

/**
 * The median; of two middle values the greater.
 *
 * @param none - Result if nobody votes.
 */
export function weightedMedian<One extends Voter>(
  voters: readonly One[],
  valueOf: (voter: One) => number,
  none: number,
): number {
  const values = voters.map((voter) => ({ value: valueOf(voter), vote: voter.vote }));
  values.sort((left, right) => left.value - right.value);
  const half = values.reduce((sum, one) => sum + one.vote, 0) / 2 + ROUNDING;
  let sum = 0;
  for (const { value, vote } of values) {
    sum += vote;
    if (sum > half) return value;
  }
  return values.at(-1)?.value ?? none;
}
