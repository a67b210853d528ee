/** One thread of a codec pool: encodes the lanes that it is given, in that order. */
import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../core/errors.ts";
import { createChunkCodec } from "./codec.ts";
import type { CodecReply, CodecTask, CodecThreadData } from "./codec-pool.io.ts";
import { encodeChunk, laneAt, lanesOf } from "./codec-pool.ts";

assert(parentPort !== null, "a codec thread is a worker");
const owner = parentPort;
const { memory, codec: name } = workerData as CodecThreadData;
const lanes = lanesOf(memory);
const ready = createChunkCodec(name);

async function answer({ lane, rawBytes, level }: CodecTask): Promise<CodecReply> {
  try {
    return { lane, encoded: encodeChunk(await ready, laneAt(lanes, lane), rawBytes, level) };
  } catch (error) {
    return { lane, fault: messageOf(error) };
  }
}

owner.on("message", (task: CodecTask) => {
  void answer(task).then((reply) => {
    owner.postMessage(reply);
  });
});
