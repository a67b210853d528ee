/**
 * Reads huck.yaml in a thread: with 4096 nodes the parser works for more than a second, in which
 * the server would answer nobody.
 */
import { Worker } from "node:worker_threads";
import { HuckError, SituationError } from "../../../shared/core/errors.ts";
import type { ExitCode } from "../../../shared/core/errors.ts";
import type { ConfigFile } from "../../config.ts";

/** The last message of the thread. One that crashes sends none. */
export type ConfigResult =
  | { readonly ok: true; readonly config: ConfigFile }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly cure: string;
      readonly exitCode: ExitCode;
    };

/**
 * Reads and parses a configuration as `readConfig` does.
 *
 * @param file - Absolute path.
 * @throws {@link SituationError} `no_config`, `bad_config`; {@link HuckError} if the thread ends
 *   without an answer.
 */
export async function readConfigInThread(file: string): Promise<ConfigFile> {
  const entry = new URL("./read-config-thread-entry.io.ts", import.meta.url);
  const worker = new Worker(entry, { workerData: file });
  const said = Promise.withResolvers<ConfigResult>();
  worker.once("message", said.resolve);
  worker.once("error", said.reject);
  worker.once("exit", () => {
    said.reject(new HuckError("reader_gone", `Cannot read "${file}": its thread ended`));
  });
  const result = await said.promise;
  if (result.ok) return result.config;
  const { code, message, cure, exitCode } = result;
  throw new SituationError(code, message, { cure, exitCode });
}
