/**
 * The proving thread: proves the manifest, the index, or all chunks of one image file.
 *
 * A chunk is proven as a node will use it: decompressed, and compared with its raw digest. A stored
 * digest alone says only that the file is as it was written, not that it holds what its id says.
 */
import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { FormatError } from "../../shared/core/errors.ts";
import type { ChunkTable } from "../../shared/image/chunk-table.ts";
import { openCodecPool } from "../../shared/image/codec-pool.io.ts";
import { placeImage } from "../../shared/image/place-image.ts";
import { passLanes } from "../../shared/image/lane-work.ts";
import { type ImageBytes, openImage, openOutline } from "../../shared/image/reader.ts";
import { bytesOf } from "./image-file.io.ts";
import type { ProofOrder, ProofResult } from "./proof-thread.io.ts";
import { recordRunsOf } from "./record-runs.ts";

assert(parentPort !== null, "the proving thread is a worker");
const order = workerData as ProofOrder;

async function prove(): Promise<ProofResult> {
  const file = bytesOf(order);
  if (order.depth === "manifest") return { ok: true, outline: openOutline(file) };
  const image = openImage(file);
  const { table, imageId, ...outline } = image;
  if (order.depth === "chunks") {
    placeImage(image, image.manifest.disk); // an image that contradicts itself goes to no disk
    await proveChunks(file, table);
  }
  const index = { proven: recordRunsOf(table), imageId, tableBytes: table.bytes };
  return { ok: true, outline, index };
}

async function proveChunks(file: ImageBytes, table: ChunkTable): Promise<void> {
  const pool = await openCodecPool("auto", order.workers ?? 1);
  try {
    await passLanes(pool, Array(table.count).keys(), {
      begin(chunk, { record }, at) {
        const { offset, length } = table.recordRange(chunk);
        file.read(offset, record.subarray(0, length));
        return pool.decode(at, chunk, table.entry(chunk));
      },
      end: () => Promise.resolve(),
    });
  } finally {
    await pool.close();
  }
}

let result: ProofResult;
try {
  result = await prove();
} catch (error) {
  if (!(error instanceof FormatError)) throw error;
  result = { ok: false, code: error.code, message: error.message };
}
const index = result.ok ? result.index : undefined;
const moved = index === undefined ? [] : [index.proven.offsets.buffer, index.proven.lengths.buffer];
const table = index?.tableBytes.buffer;
parentPort.postMessage(result, table instanceof ArrayBuffer ? [...moved, table] : moved);
