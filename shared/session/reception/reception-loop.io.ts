/**
 * Drives a reception engine: the common loop, with repairing and delivering chunks as its work.
 *
 * At full rate a receiver that wakes for every datagram spends its time waking; so after each batch
 * it sleeps a millisecond and then takes some eighty datagrams with one call, while the kernel's
 * buffer holds a hundred times as many. Repairing a block happens here; checking and writing belong
 * to the sink, which may answer later.
 */
import type { Arena } from "../../core/arena.ts";
import type { DatagramPort } from "../../core/datagram-port.ts";
import { type EngineEnd, type LoopWatcher, runEngine } from "../engine-loop.io.ts";
import type { BlockRepairer } from "./block-repair.ts";
import type { ReceptionEvent, ReceptionRequest, ReceptionResult } from "./contract.ts";
import type { Reception } from "./engine.ts";

/** Where chunks go. */
export interface ChunkSink {
  /**
   * Checks a record and writes what it holds.
   *
   * @param record - A view of the arena, stable until the answer.
   * @returns "bad" when the content is not what it should be: the chunk will come again.
   * @throws Anything: the reception ends with its message (disk error).
   */
  deliver(chunk: number, record: Uint8Array): SinkAnswer | Promise<SinkAnswer>;
  /**
   * Fetches a chunk by unicast, checks and writes it. Needed when the engine was told it may ask.
   *
   * @returns "failed" when the network or the content failed: the engine may ask again.
   */
  fetch?(chunk: number): Promise<"ok" | "failed">;
}

/** What a sink thinks of a record. */
export type SinkAnswer = "ok" | "bad";

/** The last event of a reception. */
export type ReceptionEnd = EngineEnd<ReceptionEvent>;

/** What {@link runReception} needs. */
export interface ReceptionLoopOptions extends LoopWatcher<ReceptionEvent> {
  /** The engine; owned by the loop until it ended. */
  readonly reception: Reception;
  /** Bound to the session's port, joined to its group. The caller closes it. */
  readonly port: DatagramPort;
  /** The arena of engine and port. */
  readonly arena: Arena;
  readonly repairer: BlockRepairer;
  readonly sink: ChunkSink;
}

/** Sleep between batches: 83 full datagrams at 1 Gbit/s, 1/85 of the buffer. Unit: ms. */
const PAUSE_MS = 1;
/** Fewer datagrams than this in a batch, and the stream is too thin to gather it. */
const PAUSE_FROM = 4;
/** A batch this large was cut off by the port: more waits, so there is no pause. */
const BATCH_CUT = 64;

/**
 * Runs a reception to its end.
 *
 * @returns The engine's last event.
 * @throws {@link SystemCallError} when the socket breaks.
 */
export function runReception(options: ReceptionLoopOptions): Promise<ReceptionEnd> {
  const { reception, port } = options;
  const pauseCell = new Int32Array(new SharedArrayBuffer(4));
  return runEngine<ReceptionRequest, ReceptionResult, ReceptionEvent>({
    engine: reception,
    port,
    watcher: options,
    begin: (request, now) => work(request, options, now),
    received(got) {
      if (got < PAUSE_FROM || got >= BATCH_CUT) return;
      const pauseMs = Math.min(PAUSE_MS, reception.nextWakeup() - performance.now());
      if (pauseMs > 0) Atomics.wait(pauseCell, 0, 0, pauseMs);
    },
  });
}

function work(
  request: ReceptionRequest,
  options: ReceptionLoopOptions,
  now: number,
): Promise<ReceptionResult> | undefined {
  const { reception, sink } = options;
  const { chunk } = request;
  switch (request.kind) {
    case "decode":
      options.repairer.repair(request);
      reception.complete({ kind: "decoded", chunk, block: request.block }, now);
      return undefined;
    case "deliver": {
      const { offset, length } = request;
      const answer = sink.deliver(chunk, options.arena.bytes.subarray(offset, offset + length));
      if (typeof answer !== "string") {
        return answer.then((outcome) => ({ kind: "delivered", chunk, outcome }));
      }
      reception.complete({ kind: "delivered", chunk, outcome: answer }, performance.now());
      return undefined;
    }
    case "fetch":
      return (sink.fetch?.(chunk) ?? Promise.resolve("failed" as const)).then((outcome) => ({
        kind: "fetched",
        chunk,
        outcome,
      }));
  }
}
