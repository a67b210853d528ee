/**
 * Drives a reception engine: the common loop, with repairing and delivering chunks as its requests.
 *
 * At full rate a receiver that wakes for every datagram spends its time waking. So after each batch
 * it sleeps one millisecond and then takes some eighty datagrams with one call; the kernel's buffer
 * holds a hundred times as many. Blocks are repaired here; checking and writing are the sink's
 * work, and it may answer later.
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
   * Checks a record and writes its content.
   *
   * @param record - A view of the arena, stable until the answer.
   * @returns "bad" if the content does not match its digest: the chunk will come again.
   * @throws Anything: the reception ends with its message (disk error).
   */
  deliver(chunk: number, record: Uint8Array): SinkAnswer | Promise<SinkAnswer>;
  /**
   * Fetches a chunk by unicast, checks and writes it. Needed if the engine was made with
   * `canFetch`.
   *
   * @returns "failed" if the network or the content failed: the engine may ask again.
   */
  fetch?(chunk: number): Promise<"ok" | "failed">;
}

/** The sink's judgement of a record. */
export type SinkAnswer = "ok" | "bad";

/** The last event of a reception. */
export type ReceptionEnd = EngineEnd<ReceptionEvent>;

export interface ReceptionLoopOptions extends LoopWatcher<ReceptionEvent> {
  /** Owned by the loop until the engine has ended. */
  readonly reception: Reception;
  /** Bound to the session's port, joined to its group. The caller closes it. */
  readonly port: DatagramPort;
  /** The arena that both engine and port use. */
  readonly arena: Arena;
  readonly repairer: BlockRepairer;
  readonly sink: ChunkSink;
}

/**
 * Sleep between batches: at 1 Gbit/s 83 full datagrams arrive meanwhile, 1/85 of the buffer. Unit:
 * milliseconds.
 */
const PAUSE_MS = 1;
/**
 * After a batch with fewer datagrams the loop does not sleep: too few come to be worth collecting.
 */
const PAUSE_FROM = 4;
/** A batch this large was cut off by the port: more datagrams wait, so the loop does not sleep. */
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
