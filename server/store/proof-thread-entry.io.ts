/** The proving thread: one image file from its first chunk to its last, then it ends. */
import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { FormatError } from "../../shared/core/errors.ts";
import { openRecord, readRecord } from "../../shared/image/chunk-decoder.ts";
import type { ProofOrder, ProofResult } from "./proof-thread.io.ts";
import { openImageFile } from "./folder-store.io.ts";

assert(parentPort !== null, "the proving thread is a worker");
const { path } = workerData as ProofOrder;

function prove(): void {
  const file = openImageFile(path);
  const { table } = file.index;
  for (let chunk = 0; chunk < table.count; chunk += 1) {
    openRecord(readRecord(file, table, chunk), table.entry(chunk), chunk);
  }
  file.close();
}

let result: ProofResult;
try {
  prove();
} catch (error) {
  if (!(error instanceof FormatError)) throw error;
  result = { code: error.code, message: error.message };
}
parentPort.postMessage(result);
