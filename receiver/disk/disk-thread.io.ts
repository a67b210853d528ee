/**
 * DiskWork over a thread: passes calls to the disk thread and returns answers, progress and
 * failures.
 */
import { Worker } from "node:worker_threads";
import { VerdictCode } from "../../shared/control/verdict.ts";
import { SituationError, messageOf } from "../../shared/core/errors.ts";
import { NodeFailure } from "../failure.ts";
import type { CaptureSink, DiskWork, ImageFacts, Progress, ScanResult } from "./disk-work.ts";
import type {
  PlainFailure,
  DiskAnswer,
  DiskCall,
  DiskThreadData,
  FromDiskThread,
  ToDiskThread,
} from "./disk-thread-messages.ts";

const ENDED = "the disk thread has ended";

interface OpenCall {
  readonly answer: PromiseWithResolvers<DiskAnswer>;
  readonly progress: Progress;
}

/**
 * Starts a disk thread. It opens the disk when `open` is called. The caller closes what this
 * returns.
 */
export function openDiskWork(): DiskWork {
  return new DiskThread();
}

class DiskThread implements DiskWork {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  /** Calls that have no answer yet: at most one per lane of the reception. */
  readonly #calls = new Map<number, OpenCall>();
  readonly #gone: Promise<void>;
  #isGone = false;
  #sink: CaptureSink | undefined;
  #sinkFailure: unknown;
  #next = 1;
  #written = 0;

  constructor() {
    const workerData: DiskThreadData = { stop: this.#stop };
    this.#worker = new Worker(new URL("./disk-thread-entry.io.ts", import.meta.url), {
      workerData,
    });
    this.#worker.on("message", (message: FromDiskThread) => {
      this.#take(message);
    });
    this.#worker.once("error", (error: Error) => {
      this.#failAll(error);
    });
    this.#gone = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#isGone = true;
        this.#failAll(new Error(ENDED));
        resolve();
      });
    });
  }

  async open(...[order, disk, access]: Parameters<DiskWork["open"]>): Promise<void> {
    await this.#call({ call: "open", order, disk, access });
  }

  async useImage(tail: Uint8Array): Promise<ImageFacts> {
    return (await this.#call({ call: "useImage", tail })) as ImageFacts;
  }

  async scan(progress: Progress): Promise<ScanResult> {
    return (await this.#call({ call: "scan" }, progress)) as ScanResult;
  }

  async chunkToCheck(): Promise<number | undefined> {
    return (await this.#call({ call: "chunkToCheck" })) as number | undefined;
  }

  async closeGate(): Promise<void> {
    await this.#call({ call: "closeGate" });
  }

  async deliver(chunk: number, record: Uint8Array): Promise<"ok" | "bad"> {
    return (await this.#call({ call: "deliver", chunk, record })) as "ok" | "bad";
  }

  async flush(): Promise<void> {
    await this.#call({ call: "flush" });
  }

  async verify(progress: Progress): Promise<void> {
    await this.#call({ call: "verify" }, progress);
  }

  async openGate(): Promise<void> {
    await this.#call({ call: "openGate" });
  }

  async capture(sink: CaptureSink, progress: Progress): Promise<void> {
    this.#sink = sink;
    try {
      await this.#call({ call: "capture" }, progress);
    } catch (error) {
      throw this.#sinkFailure ?? error;
    }
  }

  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  bytesWritten(): number {
    return this.#written;
  }

  async close(): Promise<void> {
    this.stop();
    this.#tell({ kind: "close" });
    await this.#gone;
  }

  #call(work: DiskCall, progress: Progress = () => undefined): Promise<DiskAnswer> {
    if (this.#isGone) return Promise.reject(new Error(ENDED));
    const id = this.#next;
    this.#next += 1;
    const answer = Promise.withResolvers<DiskAnswer>();
    this.#calls.set(id, { answer, progress });
    this.#tell({ kind: "call", id, work });
    return answer.promise;
  }

  #take(message: FromDiskThread): void {
    switch (message.kind) {
      case "answer":
        this.#written = message.writtenBytes;
        this.#settled(message.id)?.resolve(message.value);
        break;
      case "failure":
        this.#written = message.writtenBytes;
        this.#settled(message.id)?.reject(failureOf(message.failure));
        break;
      case "progress":
        this.#calls.get(message.id)?.progress(message.done, message.total);
        break;
      case "piece":
        void this.#pass(message.bytes);
        break;
    }
  }

  async #pass(bytes: Uint8Array): Promise<void> {
    try {
      await this.#sink?.(bytes);
      this.#tell({ kind: "piece taken" });
    } catch (error) {
      this.#sinkFailure = error;
      this.#tell({ kind: "piece taken", refusal: messageOf(error) });
    }
  }

  #settled(id: number): PromiseWithResolvers<DiskAnswer> | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call?.answer;
  }

  #failAll(error: Error): void {
    for (const { answer } of this.#calls.values()) answer.reject(error);
    this.#calls.clear();
  }

  #tell(message: ToDiskThread): void {
    this.#worker.postMessage(message);
  }
}

function failureOf({ code, reason, cure }: PlainFailure): Error {
  const verdict = VerdictCode.safeParse(code);
  if (verdict.success) return new NodeFailure(verdict.data, reason, cure);
  return new SituationError(code, reason, { cure });
}
