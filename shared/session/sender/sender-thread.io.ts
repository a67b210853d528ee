/**
 * A sender in a thread of its own, so that the server's main thread stays free.
 *
 * An image's records lie in one file at known offsets, so the worker needs only that table: it
 * reads, encodes and sends by itself and reports by messages. It is told to stop, and how many
 * members to expect, through two words of shared memory, which it reads every round.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { HuckError } from "../../core/errors.ts";
import { fileIdentityOf } from "../../core/file-identity.ts";
import { readFully } from "../../linux/read-fully.io.ts";
import type { MemberTable } from "./member-numbers.ts";
import type { SenderEvent, SenderOptions, SenderStats } from "./contract.ts";
import type { ChunkSource } from "./sender-loop.io.ts";

/** The records of an image, each in one piece, all in one file. */
export interface RecordFile {
  readonly path: string;
  /** Of the file to which these offsets belong; see `fileIdentityOf`. */
  readonly fileIdentity: string;
  /** Where each record begins, by chunk. Unit: bytes. */
  readonly offsets: Float64Array;
  /** Length of each record, by chunk. Unit: bytes. */
  readonly lengths: Uint32Array;
}

/** Everything that a sender thread is started with. */
export interface SenderOrder {
  /** The engine options that can be copied to another thread. */
  readonly session: Omit<
    SenderOptions,
    "arena" | "kernel" | "tagger" | "random" | "feedbackPort" | "admission"
  >;
  /** The numbers of those who may become members; the giver may change them at any time. */
  readonly members: MemberTable;
  /** The session's tag key, 16 bytes. */
  readonly key: Uint8Array;
  /** Seed of the engine's random generator. */
  readonly seed: number;
  /** Interface to send on; by default the routing table decides. */
  readonly interfaceName?: string;
  /** UDP port for the receivers' messages; 0 picks a free one. */
  readonly feedbackPort: number;
  readonly records: RecordFile;
}

/** A message of a sender thread. */
export type SenderMessage =
  /** The port is open. If it is the plain twin, `because` says why. */
  | { readonly kind: "open"; readonly feedbackPort: number; readonly because?: string }
  | { readonly kind: "event"; readonly event: SenderEvent }
  | { readonly kind: "stats"; readonly stats: SenderStats }
  /** The thread could not go on; this is its last message. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** `workerData` of a sender thread. */
export interface SenderWorkerData {
  readonly order: SenderOrder;
  /** Two words: a {@link StopWord}, and how many members are expected (0: as the order says). */
  readonly told: Int32Array<SharedArrayBuffer>;
}

/** Values of the stop word. */
export const StopWord = {
  /** The session goes on. */
  none: 0,
  /** End the session and tell its members. */
  end: 1,
  /** End the thread without telling anybody. */
  vanish: 2,
} as const;

/** A running sender thread. */
export interface RunningSender {
  /** Says how many members may still join; matters until the session starts. */
  expect(members: number): void;
  /** Ends the session for everybody; its "ended" event follows. */
  stop(): void;
  /**
   * Ends the thread without telling the members, as a crash would: they wait for the server to come
   * back, and fetch what they lack.
   */
  vanish(): void;
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>;
}

/**
 * Starts a sender thread.
 *
 * @param order - Copied, except for shared memory.
 * @param onMessage - Called for every message, in order.
 * @returns At once; an "open" message tells when the port is open.
 */
export function startSender(
  order: SenderOrder,
  onMessage: (message: SenderMessage) => void,
): RunningSender {
  const told = new Int32Array(new SharedArrayBuffer(8));
  const workerData: SenderWorkerData = { order, told };
  const entry = new URL("./sender-thread-entry.io.ts", import.meta.url);
  const worker = new Worker(entry, { workerData, trackUnmanagedFds: false });
  worker.on("message", onMessage);
  worker.on("error", (error: Error) => {
    onMessage({ kind: "failed", code: "sender_crashed", message: error.message });
  });
  const gone = new Promise<void>((resolve) => {
    worker.on("exit", () => {
      resolve();
    });
  });
  return {
    expect(members) {
      Atomics.store(told, 1, Math.max(members, 1));
    },
    stop() {
      Atomics.store(told, 0, StopWord.end);
    },
    vanish() {
      Atomics.store(told, 0, StopWord.vanish);
    },
    gone,
  };
}

/** Reads the records of a file for the loop. */
export class RecordFileSource implements ChunkSource {
  readonly #records: RecordFile;
  readonly #fd: number;

  /**
   * @throws {@link HuckError} `image_replaced` if the path now leads to another file; a system
   *   error if it cannot be opened.
   */
  constructor(records: RecordFile) {
    this.#records = records;
    this.#fd = openSync(records.path, "r");
    if (fileIdentityOf(fstatSync(this.#fd, { bigint: true })) === records.fileIdentity) return;
    this.close();
    throw new HuckError(
      "image_replaced",
      `Cannot read records of "${records.path}": another file has taken its place`,
    );
  }

  /**
   * Reads a record.
   *
   * @param into - At least as long as the record.
   * @returns Length of the record. Unit: bytes.
   * @throws {@link HuckError} `image_torn` if the file ends inside the record; a system error.
   */
  async read(chunk: number, into: Uint8Array): Promise<number> {
    const start = this.#records.offsets[chunk] ?? 0;
    const length = this.#records.lengths[chunk] ?? 0;
    const got = await readFully(this.#fd, into.subarray(0, length), start);
    if (got === length) return length;
    throw new HuckError(
      "image_torn",
      `Cannot read chunk ${chunk} of "${this.#records.path}": it ends ${length - got} bytes early`,
    );
  }

  close(): void {
    closeSync(this.#fd);
  }
}
