/**
 * Reads the huck.yaml that `huck serve` was given.
 */
import { ExitCode, SituationError, codeOf } from "../../../shared/core/errors.ts";
import { errnoText, foundText, isErrno } from "../../../shared/core/errno.ts";
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
    const code = codeOf(cause) ?? "";
    if (!isErrno(code) && !(cause instanceof RangeError)) throw cause; // a fault of ours
    throw new SituationError("no_config", `Cannot read "${file}": ${foundText(cause)}`, {
      cure: code === "ENOENT" ? MISSING_CURE : otherCure(code),
      exitCode: ExitCode.usage,
      cause,
    });
  }
}

function otherCure(code: string): string {
  if (isErrno(code)) return errnoText(code).cure;
  return "Name with --config a file as `huck init` writes it.";
}

const MISSING_CURE = "Run `huck init` here first, or name the file with --config.";
/** 4096 nodes take 0.4 MB, with several settings each 2 MB. */
const CONFIG_BYTES_MAX = 2 << 20;
