/**
 * Proving stored images in a thread, so that a server with a room of nodes to answer goes on while
 * tables are parsed and gigabytes are digested.
 *
 * The thread reads by a descriptor of ours, so what it proves is the very file that is open here,
 * whatever became of its name.
 */
import { Worker } from "node:worker_threads";
import { FormatError, HuckError } from "../../shared/core/errors.ts";
import { ChunkTable } from "../../shared/image/chunk-table.ts";
import type { ImageIndex } from "../../shared/image/reader.ts";

/** `workerData` of a proving thread. */
export interface ProofOrder {
  /** Open for reading until the thread has ended; it does not close it. */
  readonly fd: number;
  /** For messages. */
  readonly path: string;
  /** Length of the file. */
  readonly fileBytes: number;
  /** Also prove the stored bytes of every chunk. */
  readonly chunks: boolean;
}

/** An index that was proven, and where its records lie; see `RecordPlaces`. */
export interface ProvenIndex {
  readonly index: ImageIndex;
  readonly offsets: Float64Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
}

/** What a thread says at its end, unless it crashes. */
export type ProofResult =
  | {
      readonly ok: true;
      readonly proven: Omit<ProvenIndex, "index">;
      /** An index without its table, which cannot cross threads... */
      readonly outline: Omit<ImageIndex, "table">;
      /** ...but as the bytes it is made of. */
      readonly tableBytes: Uint8Array;
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

/**
 * Proves the index of an image file and, if asked to, the stored bytes of every chunk.
 *
 * @param order - What to prove. The thread has ended when the promise settles.
 * @param signal - Breaks it off.
 * @returns The proven index.
 * @throws {@link FormatError} that says what is damaged; {@link HuckError} `aborted`, or when the
 *   file cannot be read.
 */
export async function proveInThread(order: ProofOrder, signal?: AbortSignal): Promise<ProvenIndex> {
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
    return indexOf(await said.promise);
  } finally {
    signal?.removeEventListener("abort", stop);
    await gone.promise;
  }
}

/** @throws {@link FormatError}. */
function indexOf(result: ProofResult): ProvenIndex {
  if (!result.ok) throw new FormatError(result.code, result.message);
  const table = new ChunkTable(result.tableBytes, "checked");
  return { ...result.proven, index: { ...result.outline, table } };
}
