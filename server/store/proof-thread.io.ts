/**
 * Proving stored images in a thread, so that a server with a room of nodes to answer goes on while
 * gigabytes are digested.
 */
import { Worker } from "node:worker_threads";
import { FormatError, HuckError } from "../../shared/core/errors.ts";

/** `workerData` of a proving thread. */
export interface ProofOrder {
  /** Path of the image file. */
  readonly path: string;
}

/** Its only word, unless it crashes: undefined, or what is wrong with the file. */
export type ProofResult = { readonly code: string; readonly message: string } | undefined;

/**
 * Proves the index of an image file and the stored bytes of every chunk.
 *
 * @param path - The file.
 * @param signal - Breaks it off.
 * @throws {@link FormatError} that says what is damaged; {@link HuckError} `aborted`, or when the
 *   file cannot be read.
 */
export async function proveImageFile(path: string, signal?: AbortSignal): Promise<void> {
  const brokenOff = new HuckError("aborted", `Cannot prove "${path}": it was broken off`);
  if (signal?.aborted === true) throw brokenOff;
  const workerData: ProofOrder = { path };
  const worker = new Worker(new URL("./proof-thread-entry.io.ts", import.meta.url), { workerData });
  const ended = Promise.withResolvers<ProofResult>();
  worker.once("message", ended.resolve);
  worker.once("error", ended.reject);
  worker.once("exit", () => {
    ended.reject(brokenOff);
  });
  const stop = (): void => void worker.terminate();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const result = await ended.promise;
    if (result !== undefined) throw new FormatError(result.code, result.message);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
