/**
 * A codec pool with worker threads, which encode or decode chunks on several cores.
 *
 * Lanes are shared memory, so only numbers and digests are sent between threads. If a worker fails,
 * the chunk that it was given fails; if a worker ends, all chunks fail.
 */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { FormatError } from "../core/errors.ts";
import type { ChunkCodec } from "./chunk-codec.ts";
import type { ContentFacts } from "./chunk-decoder.ts";
import { type CodecChoice, createChunkCodec } from "./codec.ts";
import {
  type CodecPool,
  type EncodedChunk,
  type CodecLane,
  contentOf,
  inlinePool,
  laneAt,
  laneBytes,
  lanesOf,
} from "./codec-pool.ts";

/** One thread that reads one disk cannot keep more workers busy. */
const CODEC_WORKERS_MAX = 8;
/** Lanes per worker: one being encoded, one waiting, one whose record is being written. */
const LANES_PER_WORKER = 3;

/** `workerData` of a codec thread. */
export interface CodecThreadData {
  /** The lanes. */
  readonly memory: SharedArrayBuffer;
  readonly codec: ChunkCodec["name"];
}

/** A message to a codec thread: encode the content in a lane, or decode the record in it. */
export type CodecTask = { readonly lane: number } & (
  | { readonly rawBytes: number; readonly level: number }
  | { readonly chunk: number; readonly facts: ContentFacts }
);

/** A message from a codec thread. */
export type CodecReply = { readonly lane: number } & (
  | { readonly encoded: EncodedChunk }
  | { readonly decoded: true }
  /** Errors lose their class between threads; a FormatError has a code. */
  | { readonly fault: string; readonly code?: string }
);

/**
 * Opens a codec pool.
 *
 * @param choice - Which codec; `auto` takes zstd-napi if it loads.
 * @param workers - Number of threads; 1 encodes in the calling thread. At most eight are used; the
 *   default is one per core.
 * @returns The pool, to be closed by the caller.
 * @throws SituationError `codec_missing` if zstd-napi was asked for by name and does not load.
 */
export async function openCodecPool(
  choice: CodecChoice = "auto",
  workers: number = availableParallelism(),
): Promise<CodecPool> {
  const codec = await createChunkCodec(choice);
  const count = Math.min(workers, CODEC_WORKERS_MAX);
  return count <= 1 ? inlinePool(codec) : new ThreadPool(codec.name, count);
}

interface CodecThread {
  readonly worker: Worker;
  /** Chunks that were given to it and have not come back. */
  underWay: number;
}

interface OpenTask extends PromiseWithResolvers<CodecReply> {
  readonly thread: CodecThread;
}

class ThreadPool implements CodecPool {
  readonly name: ChunkCodec["name"];
  readonly lanes: readonly CodecLane[];
  readonly #threads: readonly CodecThread[];
  /** Open tasks by lane. */
  readonly #open = new Map<number, OpenTask>();
  #ended: Error | undefined;

  constructor(codec: ChunkCodec["name"], workers: number) {
    const memory = new SharedArrayBuffer(laneBytes(workers * LANES_PER_WORKER));
    const workerData: CodecThreadData = { memory, codec };
    this.name = codec;
    this.lanes = lanesOf(memory);
    this.#threads = Array.from({ length: workers }, () => this.#start(workerData));
  }

  async encode(lane: number, rawBytes: number, level: number): Promise<EncodedChunk> {
    const reply = await this.#give({ lane, rawBytes, level });
    assert("encoded" in reply, "a chunk to encode is encoded");
    return reply.encoded;
  }

  async decode(lane: number, chunk: number, facts: ContentFacts): Promise<Uint8Array> {
    const { codec, storedBytes, rawBytes } = facts;
    // A view is sent with all the memory behind it: here, with the whole table.
    const storedDigest = facts.storedDigest.slice();
    const rawDigest = facts.rawDigest.slice();
    const own = { codec, storedBytes, rawBytes, storedDigest, rawDigest };
    await this.#give({ lane, chunk, facts: own });
    return contentOf(laneAt(this.lanes, lane), facts);
  }

  #give(task: CodecTask): Promise<CodecReply> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const thread = this.#threads.reduce((least, one) =>
      one.underWay < least.underWay ? one : least,
    );
    thread.underWay += 1;
    const open = { ...Promise.withResolvers<CodecReply>(), thread };
    this.#open.set(task.lane, open);
    thread.worker.postMessage(task);
    return open.promise;
  }

  async close(): Promise<void> {
    this.#fail(new Error("the codec pool was closed"));
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(workerData: CodecThreadData): CodecThread {
    const url = new URL("./codec-pool-entry.io.ts", import.meta.url);
    const thread: CodecThread = { worker: new Worker(url, { workerData }), underWay: 0 };
    thread.worker.on("message", (reply: CodecReply) => {
      this.#take(reply);
    });
    thread.worker.once("error", (error: Error) => {
      this.#fail(error);
    });
    thread.worker.once("exit", () => {
      this.#fail(new Error("a codec thread has ended"));
    });
    return thread;
  }

  #take(reply: CodecReply): void {
    const task = this.#open.get(reply.lane);
    if (task === undefined) return;
    this.#open.delete(reply.lane);
    task.thread.underWay -= 1;
    if ("fault" in reply) task.reject(faultOf(reply));
    else task.resolve(reply);
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const task of this.#open.values()) task.reject(error);
    this.#open.clear();
  }
}

function faultOf({ fault, code }: Extract<CodecReply, { readonly fault: string }>): Error {
  return code === undefined ? new Error(fault) : new FormatError(code, fault);
}
