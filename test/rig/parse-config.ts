/** A configuration as the server has it, from a text of huck.yaml. */
import { configOf, parseConfigFile } from "../../server/config.ts";
import type { Config, NodeDrivers } from "../../server/config.ts";

/** Parses huck.yaml as `parseConfigFile` does, and completes its nodes. */
export function parseConfig(text: string, file: string, drivers: NodeDrivers): Config {
  return configOf(parseConfigFile(text, file, drivers));
}
