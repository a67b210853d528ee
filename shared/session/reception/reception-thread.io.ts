/**
 * A reception in a thread of its own: the net thread of a receiver.
 *
 * Datagrams, chunks and their repair live in the arena, which the net thread shares with whoever
 * checks and writes; what passes between them is the name of a chunk and where it lies. The sink's
 * port may end in any thread: a decode worker, a disk worker, or the main one.
 */
import { Worker } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { ReceptionEvent, ReceptionOptions, ReceptionStats } from "./contract.ts";
import type { SinkAnswer } from "./reception-loop.io.ts";

/** All that a net thread is told. */
export interface ReceptionOrder {
  /** Engine options that can cross threads. */
  readonly session: Omit<ReceptionOptions, "arena" | "tagger" | "random">;
  /** 16 bytes: the session's tag key. */
  readonly key: Uint8Array;
  /** Seed of the engine's chance. */
  readonly seed: number;
  /** Interface to receive by; default: the routing table decides. */
  readonly interfaceName?: string;
  /** The session's multicast group and port. */
  readonly group: { readonly address: string; readonly port: number };
}

/** From the net thread to the sink. */
export type SinkRequest =
  /** Check and write the record at `offset` of the arena; it stays until the answer. */
  | {
      readonly kind: "deliver";
      readonly chunk: number;
      readonly offset: number;
      readonly length: number;
    }
  /** Fetch, check and write a chunk by unicast. */
  | { readonly kind: "fetch"; readonly chunk: number };

/** From the sink to the net thread. */
export type SinkReply =
  | { readonly kind: "delivered"; readonly chunk: number; readonly answer: SinkAnswer }
  | { readonly kind: "fetched"; readonly chunk: number; readonly answer: "ok" | "failed" }
  /** Nothing can be written any more: the reception ends with this reason. */
  | { readonly kind: "failed"; readonly chunk: number; readonly reason: string };

/** What a net thread tells. */
export type ReceptionMessage =
  | { readonly kind: "open"; readonly because?: string }
  | { readonly kind: "event"; readonly event: ReceptionEvent }
  | { readonly kind: "stats"; readonly stats: ReceptionStats }
  /** The thread could not go on; its last word. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** `workerData` of a net thread. */
export interface ReceptionWorkerData {
  readonly order: ReceptionOrder;
  /** The arena: at least `ringBytes` + {@link RECEPTION_OVERHEAD_BYTES}, after what is used. */
  readonly memory: WebAssembly.Memory;
  /** Bytes at its front that belong to others. */
  readonly used: number;
  /** Where {@link SinkRequest}s go and {@link SinkReply}s come from. */
  readonly sink: MessagePort;
  /** One word; not 0 stops the reception. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

/** Port buffers, repair scratch, tagger and FEC scratch of a net thread. Unit: bytes. */
export const RECEPTION_OVERHEAD_BYTES: number = 8 * 1024 * 1024;

/** A running net thread. */
export interface RunningReception {
  /** Ends the reception; its "ended" event follows. */
  stop(): void;
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>;
}

/**
 * Starts a net thread.
 *
 * @param data - All but `stop`; the sink's port is transferred.
 * @param onMessage - Told of everything, in order.
 * @param entry - The worker's file; default: the one beside this.
 * @returns At once.
 */
export function startReception(
  data: Omit<ReceptionWorkerData, "stop">,
  onMessage: (message: ReceptionMessage) => void,
  entry: URL = new URL("./reception-thread-entry.io.ts", import.meta.url),
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
