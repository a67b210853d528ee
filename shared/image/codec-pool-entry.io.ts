/** One thread of a codec pool: encodes or decodes the lanes that it is given, in that order. */
import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { FormatError, messageOf } from "../core/errors.ts";
import { createChunkCodec } from "./codec.ts";
import type { CodecReply, CodecTask, CodecThreadData } from "./codec-pool.io.ts";
import { decodeInLane, encodeChunk, laneAt, lanesOf } from "./codec-pool.ts";

assert(parentPort !== null, "a codec thread is a worker");
const owner = parentPort;
const { memory, codec: name } = workerData as CodecThreadData;
const lanes = lanesOf(memory);
const ready = createChunkCodec(name);

async function answer(task: CodecTask): Promise<CodecReply> {
  const { lane } = task;
  try {
    const [codec, own] = [await ready, laneAt(lanes, lane)];
    if ("level" in task) {
      return { lane, encoded: encodeChunk(codec, own, task.rawBytes, task.level) };
    }
    decodeInLane(codec, own, task.chunk, task.facts);
    return { lane, decoded: true };
  } catch (error) {
    const fault = { lane, fault: messageOf(error) };
    return error instanceof FormatError ? { ...fault, code: error.code } : fault;
  }
}

owner.on("message", (task: CodecTask) => {
  void answer(task).then((reply) => {
    owner.postMessage(reply);
  });
});
