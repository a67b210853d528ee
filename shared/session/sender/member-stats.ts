/** What the statistics of a session tell about a member. */
import type { MemberStats } from "./contract.ts";
import type { Member } from "./members.ts";

/** @returns The part of the member that `stats` shows. */
export function memberStats(member: Member): MemberStats {
  const { node, remote, state, chunksDone, lacking, loss, drainKiBs, ringPercent } = member;
  return { node, remote, state, as: member.as, chunksDone, lacking, loss, drainKiBs, ringPercent };
}
