/**
 * Reads the huck.yaml that `huck serve` was given.
 */
import { ExitCode, SituationError } from "../../../shared/core/errors.ts";
import { foundText } from "../../../shared/core/errno.ts";
import { readTextFile } from "../../../shared/linux/text-file.io.ts";
import { parseConfigFile } from "../../config.ts";
import type { ConfigFile } from "../../config.ts";
import { NODE_DRIVERS } from "../../node-drivers.io.ts";

/**
 * Reads and parses a configuration.
 *
 * @param file - Absolute path.
 * @throws {@link SituationError} `no_config`, `bad_config`; exit code usage.
 */
export function readConfig(file: string): ConfigFile {
  try {
    return parseConfigFile(readTextFile(file, CONFIG_BYTES_MAX), file, NODE_DRIVERS);
  } catch (cause) {
    if (cause instanceof SituationError) throw cause;
    throw new SituationError("no_config", `Cannot read "${file}": ${foundText(cause)}`, {
      cure: "Run `huck init` here first, or name the file with --config.",
      exitCode: ExitCode.usage,
      cause,
    });
  }
}

/** 4096 nodes take 0.4 MB, with several settings each 2 MB. */
const CONFIG_BYTES_MAX = 2 << 20;
