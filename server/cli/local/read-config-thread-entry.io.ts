/** The thread that reads huck.yaml for a reload. */
import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { SituationError } from "../../../shared/core/errors.ts";
import { readConfig } from "./read-config.io.ts";
import type { ConfigResult } from "./read-config-thread.io.ts";

assert(parentPort !== null, "the reading thread is a worker");

function read(): ConfigResult {
  try {
    return { ok: true, config: readConfig(String(workerData)) };
  } catch (thrown) {
    if (!(thrown instanceof SituationError)) throw thrown;
    const { code, message, cure, exitCode } = thrown;
    return { ok: false, code, message, cure, exitCode };
  }
}

parentPort.postMessage(read());
