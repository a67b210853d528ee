/**
 * Whether a later report overtook this one on the way.
 *
 * A receiver that restarts counts from 0 again, but a restart takes longer than reordering.
 */
/**
 * A report counts as overtaken if it is at most this many messages, and this many milliseconds,
 * behind.
 */
const OVERTAKEN_MAX = 64;
const OVERTAKEN_MS = 1000;

/** The latest report of a member: its number in the receiver's own count, and when it came. */
export interface LatestReport {
  readonly reportSeq: number;
  readonly describedAt: number;
}

/** @param seq - Number of the report that came now. */
export function isOvertaken(latest: LatestReport, seq: number, now: number): boolean {
  const behind = (latest.reportSeq - seq) | 0;
  return behind > 0 && behind < OVERTAKEN_MAX && now - latest.describedAt < OVERTAKEN_MS;
}
