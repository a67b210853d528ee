/**
 * What must be true of every simulated session, whatever its seed.
 *
 * Bytes, double deliveries, order and memory are checked while it runs (receiver.ts, session.ts);
 * here the ends are: every receiver that lived and could be served is complete, and everything
 * ended for a reason that fits.
 */
import type { SessionResult } from "./session.ts";
import type { ReceiverOutcome } from "./receiver.ts";

/**
 * A receiver that starts, or is reachable again, this short before the end may come too late: two
 * announcements of 500 ms may be lost, and the last 0.4 s are farewell. Unit: milliseconds.
 */
const TOO_LATE_MS = 1600;

/** Everything that is wrong with a session; empty = right. */
export function faultsOf(result: SessionResult): string[] {
  const faults: string[] = [];
  for (const [index, receiver] of result.receivers.entries()) {
    const cutUntil = result.plan.receivers[index]?.down.cuts[0]?.to ?? 0;
    const fault = receiverFault(result, receiver, cutUntil);
    if (fault !== undefined) faults.push(`receiver ${index + 1}: ${fault}`);
  }
  const senderLives = result.plan.senderDiesAt > result.senderEndedAtMs;
  if (senderLives && result.outcome !== "complete" && result.outcome !== "partial") {
    faults.push(`sender: ${result.outcome}`);
  }
  const served = result.receivers.every((one) => one.completeAtMs !== undefined);
  if (senderLives && served && result.outcome !== "complete") {
    faults.push(`sender: ${result.outcome}, though every receiver is complete`);
  }
  return faults;
}

function receiverFault(
  result: SessionResult,
  receiver: ReceiverOutcome,
  cutUntil: number,
): string | undefined {
  const { ended, died, startedAtMs, completeAtMs } = receiver;
  if (died) return undefined;
  if (ended?.kind !== "ended") return "did not end";
  if (ended.outcome === "complete") {
    return completeAtMs === undefined ? "ended complete without being so" : undefined;
  }
  if (result.plan.senderDiesAt < Infinity) return undefined;
  const tooLate = Math.max(startedAtMs, cutUntil) > result.senderEndedAtMs - TOO_LATE_MS;
  if (tooLate && (ended.code === "no_session" || ended.code === "session_ended")) return undefined;
  return `${ended.code}: ${ended.reason}`;
}
