/** Puts together the running totals of a reception. */
import type { Assembly } from "./assembly.ts";
import type { ReceptionPhase, ReceptionStats } from "./contract.ts";
import type { ReceiverMessages } from "./receiver-messages.ts";

/** The parts that the totals are read from. */
export interface StatsSources {
  readonly phase: ReceptionPhase;
  readonly received: number;
  readonly dropped: number;
  readonly loss: number;
  /** Undefined before a session was joined. */
  readonly assembly: Assembly | undefined;
  readonly messages: ReceiverMessages | undefined;
}

export function receptionStats(sources: StatsSources): ReceptionStats {
  const { phase, received, dropped, loss, assembly, messages } = sources;
  const counters = assembly?.counters;
  const lanes = assembly?.lanes.count ?? 0;
  return {
    phase,
    chunkCount: assembly?.chunks.count,
    chunksDone: assembly?.chunks.done ?? 0,
    lacking: assembly?.chunks.lacking ?? 0,
    received,
    kept: counters?.kept ?? 0,
    surplus: counters?.surplus ?? 0,
    shed: counters?.shed ?? 0,
    dropped: dropped + (counters?.malformed ?? 0),
    decodedBlocks: counters?.decodedBlocks ?? 0,
    nacksSent: messages?.nacksSent ?? 0,
    nacksSuppressed: messages?.nacks.suppressed ?? 0,
    badChunks: counters?.badChunks ?? 0,
    fetched: assembly?.fetches.fetched ?? 0,
    loss,
    lanesUsed: lanes - (assembly?.lanes.freeCount ?? 0),
    lanes,
  };
}
