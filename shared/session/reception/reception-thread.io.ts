/**
 * A reception in a thread of its own: the net thread of a receiver.
 *
 * Datagrams, chunks and their repair live in the arena, which the net thread shares with the thread
 * that checks and writes. The messages between them carry only a chunk's number and its place. The
 * sink's port may belong to any thread: a decode worker, a disk worker, or the main one.
 */
import { Worker } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { ReceptionEvent, ReceptionOptions, ReceptionStats } from "./contract.ts";
import type { SinkAnswer } from "./reception-loop.io.ts";

/** Everything that a net thread is started with. */
export interface ReceptionOrder {
  /** The engine options that can be copied to another thread. */
  readonly session: Omit<ReceptionOptions, "arena" | "tagger" | "random">;
  /** The session's tag key, 16 bytes. */
  readonly key: Uint8Array;
  /** Seed of the engine's random generator. */
  readonly seed: number;
  /** Interface to receive on; by default the routing table decides. */
  readonly interfaceName?: string;
  /** The session's multicast group and port. */
  readonly group: { readonly address: string; readonly port: number };
}

/** A message from the net thread to the sink. */
export type SinkRequest =
  /** Check and write the record at `offset` of the arena; it stays there until the answer. */
  | {
      readonly kind: "deliver";
      readonly chunk: number;
      readonly offset: number;
      readonly length: number;
    }
  /** Fetch, check and write a chunk by unicast. */
  | { readonly kind: "fetch"; readonly chunk: number };

/** A message from the sink to the net thread. */
export type SinkReply =
  | { readonly kind: "delivered"; readonly chunk: number; readonly answer: SinkAnswer }
  | { readonly kind: "fetched"; readonly chunk: number; readonly answer: "ok" | "failed" }
  /** Nothing can be written any more: the reception ends with this reason. */
  | { readonly kind: "failed"; readonly chunk: number; readonly reason: string };

/** A message of a net thread. */
export type ReceptionMessage =
  | { readonly kind: "open"; readonly because?: string }
  | { readonly kind: "event"; readonly event: ReceptionEvent }
  | { readonly kind: "stats"; readonly stats: ReceptionStats }
  /** The thread could not go on; this is its last message. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** `workerData` of a net thread. */
export interface ReceptionWorkerData {
  readonly order: ReceptionOrder;
  /** The arena: at least `ringBytes` + {@link SESSION_OVERHEAD_BYTES}. */
  readonly memory: WebAssembly.Memory;
  /** The sink's port: {@link SinkRequest}s go there and {@link SinkReply}s come from there. */
  readonly sink: MessagePort;
  /** One word; any value but 0 stops the reception. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

/** A running net thread. */
export interface RunningReception {
  /** Ends the reception; its "ended" event follows. */
  stop(): void;
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>;
}

/** Entry of a net thread over the real network. */
export const NET_THREAD: URL = new URL("./reception-thread-entry.io.ts", import.meta.url);

/**
 * Starts a net thread.
 *
 * @param entry - {@link NET_THREAD}, or the file of a thread that puts something between the
 *   network and {@link runNetThread}.
 * @param data - All but `stop`; the sink's port is transferred.
 * @param onMessage - Called for every message, in order.
 * @returns At once.
 */
export function startReception(
  entry: URL,
  data: Omit<ReceptionWorkerData, "stop">,
  onMessage: (message: ReceptionMessage) => void,
): RunningReception {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const workerData: ReceptionWorkerData = { ...data, stop };
  const worker = new Worker(entry, {
    workerData,
    transferList: [data.sink],
    trackUnmanagedFds: false, // sockets of libc are closed through node:fs
  });
  worker.on("message", onMessage);
  worker.on("error", (error: Error) => {
    onMessage({ kind: "failed", code: "reception_crashed", message: error.message });
  });
  const gone = new Promise<void>((resolve) => {
    worker.on("exit", () => {
      resolve();
    });
  });
  return {
    stop() {
      Atomics.store(stop, 0, 1);
    },
    gone,
  };
}
