/**
 * Proves stored images in a thread, so that the server goes on answering its nodes while tables are
 * parsed and gigabytes are decoded and digested.
 *
 * The thread reads through our descriptor, so it proves the file that is open here even if the name
 * has come to mean another one.
 */
import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { FormatError, HuckError } from "../../shared/core/errors.ts";
import { ChunkTable } from "../../shared/image/chunk-table.ts";
import type { ImageIndex, ImageOutline } from "../../shared/image/reader.ts";

/** `workerData` of a proving thread. */
export interface ProofOrder {
  /**
   * The thread reads from it and does not close it; it must stay open until the thread has ended.
   */
  readonly fd: number;
  /** For messages. */
  readonly path: string;
  /** Length of the file. Unit: bytes. */
  readonly fileBytes: number;
  /**
   * What to prove: the manifest alone, the whole index, or the content of every chunk too, which is
   * decoded and compared.
   */
  readonly depth: "manifest" | "index" | "chunks";
  /** Threads that decode chunks; 1: only the proving thread itself. */
  readonly workers?: number;
}

/** A proven index, and where the records lie; see `RecordPlaces`. */
export interface ProvenIndex {
  readonly index: ImageIndex;
  readonly offsets: Float64Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
}

/** The last message of the thread. One that crashes sends none. */
export type ProofResult =
  | {
      readonly ok: true;
      readonly outline: ImageOutline;
      /** Undefined if only the manifest was to be proven. */
      readonly index?: {
        readonly proven: Omit<ProvenIndex, "index">;
        readonly imageId: Uint8Array;
        /** A table cannot be sent between threads, so we make it of its bytes again. */
        readonly tableBytes: Uint8Array;
      };
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

/**
 * Proves the index of an image file and, if asked to, the content of every chunk. The thread
 * has ended when the promise settles; the signal breaks it off.
 *
 * @throws {@link FormatError} that says what is damaged; {@link HuckError} `aborted`, or if the
 *   file cannot be read.
 */
export async function proveInThread(
  order: ProofOrder & { readonly depth: "index" | "chunks" },
  signal?: AbortSignal,
): Promise<ProvenIndex> {
  return indexOf(await run(order, signal));
}

/**
 * Reads footer and manifest in a thread: a manifest of 8 MiB takes longer than the main thread may
 * stand still.
 *
 * @throws As {@link proveInThread}.
 */
export async function readOutlineInThread(file: Omit<ProofOrder, "depth">): Promise<ImageOutline> {
  const { fd, path, fileBytes } = file;
  return checked(await run({ fd, path, fileBytes, depth: "manifest" })).outline;
}

async function run(order: ProofOrder, signal?: AbortSignal): Promise<ProofResult> {
  const brokenOff = new HuckError("aborted", `Cannot prove "${order.path}": it was broken off`);
  if (signal?.aborted === true) throw brokenOff;
  const entry = new URL("./proof-thread-entry.io.ts", import.meta.url);
  const worker = new Worker(entry, { workerData: order });
  const said = Promise.withResolvers<ProofResult>();
  const gone = Promise.withResolvers<undefined>();
  worker.once("message", said.resolve);
  worker.once("error", said.reject);
  worker.once("exit", () => {
    said.reject(brokenOff);
    gone.resolve(undefined);
  });
  const stop = (): void => void worker.terminate();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await said.promise;
  } finally {
    signal?.removeEventListener("abort", stop);
    await gone.promise;
  }
}

/** @throws {@link FormatError}. */
function checked(result: ProofResult): ProofResult & { readonly ok: true } {
  if (result.ok) return result;
  throw new FormatError(result.code, result.message);
}

/** @throws {@link FormatError}. */
function indexOf(result: ProofResult): ProvenIndex {
  const { outline, index } = checked(result);
  assert(index !== undefined, "the thread was asked for an index");
  const { proven, imageId, tableBytes } = index;
  const table = new ChunkTable(tableBytes, "checked");
  return { ...proven, index: { ...outline, imageId, table } };
}
