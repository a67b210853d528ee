/** The disk thread: owns the one disk of an order and carries out calls one after the other. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { availableParallelism, totalmem } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { Arena, arenaMemory } from "../../shared/core/arena.ts";
import { SLOT_BYTES } from "../../shared/core/units.ts";
import { foundText } from "../../shared/core/errno.ts";
import { HuckError, SituationError, codeOf, messageOf } from "../../shared/core/errors.ts";
import type { BlockDevice } from "../../shared/disk/block-device.ts";
import { createChunkCodec } from "../../shared/image/codec.ts";
import { openCodecPool } from "../../shared/image/codec-pool.io.ts";
import { openBlockDevice } from "../../shared/linux/block-device.io.ts";
import { NodeFailure } from "../failure.ts";
import { VERSION } from "../version.ts";
import type { Progress } from "./disk-work.ts";
import { OrderedDisk } from "./ordered-disk.ts";
import type {
  PlainFailure,
  DiskAnswer,
  DiskCall,
  DiskThreadData,
  FromDiskThread,
  ToDiskThread,
} from "./disk-thread-messages.ts";

/** Time between reports of progress. Unit: milliseconds. */
const PROGRESS_EVERY_MS = 250;

/** Memory of a codec thread, its lanes and contexts included. Unit: bytes. */
const CODEC_THREAD_BYTES = 32e6;
/** Share of the node's memory that codec threads may have: less than the ring of a load (P9). */
const CODEC_THREADS_SHARE = 0.15;

assert(parentPort !== null, "the disk thread is a worker");
const owner = parentPort;
const { stop } = workerData as DiskThreadData;

let device: BlockDevice | undefined;
let disk: OrderedDisk | undefined;
let pieceTaken: PromiseWithResolvers<undefined> | undefined;
let queue: Promise<void> = Promise.resolve();

function say(message: FromDiskThread): void {
  owner.postMessage(message);
}

function stopIfAsked(): void {
  if (Atomics.load(stop, 0) === 0) return;
  throw new NodeFailure(
    "aborted",
    "the work was stopped",
    "Run the same command again when ready.",
  );
}

function progressOf(id: number): Progress {
  let saidAt = performance.now();
  return (done, total) => {
    stopIfAsked();
    if (performance.now() - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = performance.now();
    say({ kind: "progress", id, done, total });
  };
}

async function open(work: Extract<DiskCall, { call: "open" }>): Promise<void> {
  try {
    device = openBlockDevice(work.disk.path, { access: work.access });
  } catch (error) {
    if (codeOf(error) !== "EBUSY") throw error;
    throw new NodeFailure(
      "disk_in_use",
      `Cannot open "${work.disk.path}": ${foundText(error)}`,
      "Unmount it.",
      { cause: error },
    );
  }
  const arena = new Arena(arenaMemory(SLOT_BYTES));
  const buffer = arena.bytes.subarray(0, SLOT_BYTES);
  disk = new OrderedDisk(work.order, device, await createChunkCodec("auto"), buffer);
  disk.checkIdentity(work.disk);
}

function codecWorkers(): number {
  const room = Math.floor((totalmem() * CODEC_THREADS_SHARE) / CODEC_THREAD_BYTES);
  return Math.max(1, Math.min(availableParallelism(), room));
}

/** Copies the piece: its receiver may keep it longer than the lane it stands in is free for it. */
async function sendPiece(lent: Uint8Array): Promise<void> {
  const taken = Promise.withResolvers<undefined>();
  pieceTaken = taken;
  const bytes = new Uint8Array(lent);
  owner.postMessage({ kind: "piece", bytes } satisfies FromDiskThread, [bytes.buffer]);
  await taken.promise;
}

async function perform(id: number, work: DiskCall): Promise<DiskAnswer> {
  if (work.call === "open") {
    await open(work);
    return undefined;
  }
  assert(disk !== undefined, "the disk is not open");
  switch (work.call) {
    case "useImage":
      return disk.useImage(work.tail);
    case "scan":
      return disk.scan(progressOf(id));
    case "chunkToCheck":
      return disk.chunkToCheck();
    case "closeGate":
      stopIfAsked();
      disk.closeGate();
      return undefined;
    case "deliver":
      stopIfAsked(); // a whole ring of chunks may wait here
      return disk.deliver(work.chunk, work.record);
    case "flush":
      disk.flush();
      return undefined;
    case "verify":
      disk.verify(progressOf(id));
      return undefined;
    case "openGate":
      disk.openGate();
      return undefined;
    case "capture": {
      const uuid = randomBytes(16);
      const facts = { uuid, nowMs: Date.now(), tool: `huck ${VERSION}` };
      const pool = await openCodecPool("auto", codecWorkers());
      try {
        await disk.capture(facts, { sink: sendPiece, pool }, progressOf(id));
      } finally {
        await pool.close();
      }
      return undefined;
    }
  }
}

function carried(error: unknown): PlainFailure {
  if (error instanceof NodeFailure) {
    return { code: error.verdict, reason: error.message, cure: error.cure };
  }
  if (error instanceof SituationError) {
    return { code: error.code, reason: error.message, cure: error.cure };
  }
  const code = error instanceof HuckError ? error.code : "receiver_fault";
  return { code, reason: messageOf(error), cure: "Look at the node's console." };
}

async function answer(id: number, work: DiskCall): Promise<void> {
  try {
    const value = await perform(id, work);
    say({ kind: "answer", id, value, writtenBytes: disk?.writtenBytes ?? 0 });
  } catch (error) {
    const writtenBytes = disk?.writtenBytes ?? 0;
    say({ kind: "failure", id, failure: carried(error), writtenBytes });
  }
}

owner.on("message", (message: ToDiskThread) => {
  switch (message.kind) {
    case "call":
      queue = queue.then(() => answer(message.id, message.work));
      break;
    case "piece taken":
      if (message.refusal === undefined) pieceTaken?.resolve(undefined);
      else pieceTaken?.reject(new NodeFailure("upload_failed", message.refusal, ""));
      break;
    case "close":
      void queue.then(() => {
        device?.close();
        owner.close();
      });
      break;
  }
});
