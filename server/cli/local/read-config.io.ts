/**
 * Reads the huck.yaml that `huck serve` was given.
 */
import { readFileSync, statSync } from "node:fs";
import { ExitCode, SituationError, messageOf } from "../../../shared/core/errors.ts";
import { parseConfig } from "../../config.ts";
import type { Config } from "../../config.ts";
import { NODE_DRIVERS } from "../../node-drivers.io.ts";

/**
 * Reads and parses a configuration.
 *
 * @param file - Absolute path.
 * @throws {@link SituationError} `no_config`, `bad_config`; exit code usage.
 */
export function readConfig(file: string): Config {
  try {
    const { size } = statSync(file);
    if (size > CONFIG_BYTES_MAX) throw new RangeError(`${size} bytes, at most ${CONFIG_BYTES_MAX}`);
    return parseConfig(readFileSync(file, "utf8"), file, NODE_DRIVERS);
  } catch (cause) {
    if (cause instanceof SituationError) throw cause;
    throw new SituationError("no_config", `Cannot read "${file}": ${messageOf(cause)}`, {
      cure: "Run `huck init` here first, or name the file with --config.",
      exitCode: ExitCode.usage,
      cause,
    });
  }
}

/** More than 4096 nodes with every setting take. */
const CONFIG_BYTES_MAX = 8 << 20;
