/**
 * Makes the folder of a server: huck.yaml, the folders that it names, the order key. What exists
 * stays as it is.
 */
import path from "node:path";
import { makeFolder } from "../../../shared/linux/make-folder.io.ts";
import { makeWholeFile } from "../../../shared/linux/whole-file.io.ts";
import { openOrderKey } from "../../jobs/order-key.io.ts";
import { readConfig } from "./read-config.io.ts";
import { readingFault } from "../../store/store-faults.ts";

/**
 * Makes what is missing.
 *
 * @param folder - Absolute; made if it is missing.
 * @param template - Text of a new huck.yaml.
 * @returns One line for each thing that was made or found.
 * @throws SituationError `no_config` or `bad_config` if there is a huck.yaml that cannot be read;
 *   `bad_store`, `key_exposed`.
 */
export function makeServerFolder(folder: string, template: string): string[] {
  makeFolder(folder);
  const file = path.join(folder, "huck.yaml");
  const lines = [`${makeWholeFile(file, () => template, 0o666) ? "wrote" : "kept"} ${file}`];
  const { server } = readConfig(file);
  const made = makeStore(server.store);
  lines.push(`${made ? "made" : "kept"} ${server.store}`);
  const { fresh, publicHex, notes } = openOrderKey(server.state);
  lines.push(
    `${fresh ? "made" : "kept"} the order key in ${server.state}, public half ${publicHex}`,
    ...notes.map((note) => `note: ${note}`),
  );
  return lines;
}

function makeStore(folder: string): boolean {
  try {
    return makeFolder(folder, 0o755);
  } catch (error) {
    throw readingFault(folder, error);
  }
}
