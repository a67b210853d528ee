/**
 * Whether a later report overtook this one on the way.
 *
 * A receiver that restarts counts from 0 again, but a restart takes longer than reordering.
 */
import type { Member } from "./members.ts";

/**
 * A report counts as overtaken if it is at most this many messages, and this many milliseconds,
 * behind.
 */
const OVERTAKEN_MAX = 64;
const OVERTAKEN_MS = 1000;

/** @param seq - Sequence number of the report, in the receiver's own count. */
export function isOvertaken(member: Member, seq: number, now: number): boolean {
  const behind = (member.reportSeq - seq) | 0;
  return behind > 0 && behind < OVERTAKEN_MAX && now - member.describedAt < OVERTAKEN_MS;
}
