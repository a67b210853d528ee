/**
 * Drives a sender engine: the common loop, with chunk reads as its requests.
 *
 * A source that has the record in memory returns at once and costs no turn of the event loop; a
 * source that reads a file returns a promise.
 */
import type { Arena } from "../../core/arena.ts";
import type { DatagramPort } from "../../core/datagram-port.ts";
import { foundText } from "../../core/errno.ts";
import { type EngineEnd, type LoopWatcher, runEngine } from "../engine-loop.io.ts";
import type { SenderEvent, SenderRequest, SenderResult } from "./contract.ts";
import type { Sender } from "./engine.ts";

/** Where the records come from. */
export interface ChunkSource {
  /**
   * Reads the record of a chunk.
   *
   * @param chunk - Chunks are requested in ascending order first, later in any order.
   * @param into - Written from its start; the source must not keep it after it answered.
   * @returns Length of the record; 0 if the source ended before this chunk.
   * @throws Anything: the session is aborted with its message.
   */
  read(chunk: number, into: Uint8Array): number | Promise<number>;
}

/** The last event of a session. */
export type SenderEnd = EngineEnd<SenderEvent>;

export interface SenderLoopOptions extends LoopWatcher<SenderEvent> {
  /** Owned by the loop until the engine has ended. */
  readonly sender: Sender;
  /** Bound and, if wanted, tied to an interface. The caller closes it. */
  readonly port: DatagramPort;
  /** The arena that both engine and port use. */
  readonly arena: Arena;
  readonly source: ChunkSource;
}

/**
 * Runs a session to its end.
 *
 * @returns The engine's last event.
 * @throws {@link SystemCallError} when the socket breaks.
 */
export function runSender(options: SenderLoopOptions): Promise<SenderEnd> {
  const { sender, port } = options;
  let refusedBefore = 0;
  return runEngine<SenderRequest, SenderResult, SenderEvent>({
    engine: sender,
    port,
    watcher: options,
    begin: (request, now) => read(request, options, now),
    sent() {
      const count = port.counters.refused - refusedBefore;
      if (count === 0) return;
      refusedBefore = port.counters.refused;
      sender.complete({ kind: "refused", count }, performance.now());
    },
  });
}

function read(
  { chunk, offset, capacity }: SenderRequest,
  { sender, source, arena }: SenderLoopOptions,
  now: number,
): Promise<SenderResult> | undefined {
  const into = arena.bytes.subarray(offset, offset + capacity);
  try {
    const length = source.read(chunk, into);
    if (typeof length !== "number") {
      return length.then(
        (got) => ({ kind: "read", chunk, length: got }),
        (error: unknown) => failed(chunk, error),
      );
    }
    sender.complete({ kind: "read", chunk, length }, now);
  } catch (error) {
    sender.complete(failed(chunk, error), now);
  }
  return undefined;
}

function failed(chunk: number, error: unknown): SenderResult {
  return { kind: "read failed", chunk, reason: foundText(error) };
}
