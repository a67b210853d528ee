/**
 * The proving thread: proves the index of one image file, and all its chunks if asked to.
 *
 * A chunk is proven as a node will use it: decompressed, and compared with its raw digest. A stored
 * digest alone says only that the file is as it was written, not that it holds what its id says.
 */
import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { FormatError } from "../../shared/core/errors.ts";
import { ChunkDecoder, readRecord } from "../../shared/image/chunk-decoder.ts";
import { createChunkCodec } from "../../shared/image/codec.ts";
import { openImage } from "../../shared/image/reader.ts";
import { bytesOf } from "./image-file.io.ts";
import type { ProofOrder, ProofResult } from "./proof-thread.io.ts";
import { recordRunsOf } from "./record-runs.ts";

assert(parentPort !== null, "the proving thread is a worker");
const order = workerData as ProofOrder;

async function prove(): Promise<ProofResult> {
  const file = bytesOf(order);
  const { table, ...outline } = openImage(file);
  const decoder = new ChunkDecoder(await createChunkCodec());
  for (let chunk = 0; order.chunks && chunk < table.count; chunk += 1) {
    decoder.decode(table, chunk, readRecord(file, table, chunk));
  }
  return { ok: true, proven: recordRunsOf(table), outline, tableBytes: table.bytes };
}

let result: ProofResult;
try {
  result = await prove();
} catch (error) {
  if (!(error instanceof FormatError)) throw error;
  result = { ok: false, code: error.code, message: error.message };
}
const moved = result.ok ? [result.proven.offsets.buffer, result.proven.lengths.buffer] : [];
const table = result.ok ? result.tableBytes.buffer : undefined;
parentPort.postMessage(result, table instanceof ArrayBuffer ? [...moved, table] : moved);
