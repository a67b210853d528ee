/**
 * LoadReception: the reception of a session as a load uses it. session-listener.io.ts implements it
 * with a net thread.
 */
import type { Range } from "../../shared/core/ranges.ts";
import type { SessionTerms } from "../../shared/control/node-api.ts";
import type { VerdictCode } from "../../shared/control/verdict.ts";
import type { ImageFacts } from "../disk/disk-work.ts";

/** How a reception ended. */
export type ReceptionOutcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: VerdictCode;
      readonly reason: string;
      readonly cure: string;
    };

/**
 * What arrived by multicast within the time limit: a datagram of full length, only shorter ones
 * (the path does not carry the session's datagram size), or nothing; `over`: the reception ended.
 */
export type ProbeResult = "all" | "short only" | "nothing" | "over";

/** A reception that is under way. */
export interface LoadReception {
  /** Resolves as soon as a datagram of full length has arrived, or when the time limit is over. */
  readonly reached: Promise<ProbeResult>;
  /**
   * Resolves when all chunks are delivered, or when no more will come.
   *
   * @throws Whatever {@link ReceptionStart.deliver} or `fetch` threw: a fault of the disk.
   */
  readonly ended: Promise<ReceptionOutcome>;
  /**
   * Resolves with "chunk" when the first chunk is ready to be written or must be fetched, with
   * "over" if the reception ends before. Until then no disk needs to be touched.
   */
  readonly due: Promise<"chunk" | "over">;
  /** Lets deliveries begin; until then complete chunks wait in memory. */
  release(): void;
  /** Breaks the reception off; `ended` resolves soon. */
  stop(reason: string): void;
}

/** What a reception is started with. */
export interface ReceptionStart {
  readonly terms: SessionTerms;
  readonly image: ImageFacts;
  readonly lacking: readonly Range[];
  /** Checks and writes a chunk. */
  deliver(chunk: number, record: Uint8Array): Promise<"ok" | "bad">;
  /** Fetches, checks and writes a chunk by unicast. */
  fetch(chunk: number): Promise<"ok" | "failed">;
  /**
   * Called from time to time.
   *
   * @param doneChunks - How many of the chunks that were lacking at the start are done.
   * @param loss - Share of the session's datagrams that were lost, 0 to 1.
   */
  progress(doneChunks: number, loss: number): void;
}
