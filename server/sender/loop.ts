/**
 * Drives a sender engine: moves its datagrams, reads its chunks, lets time pass.
 *
 * The one idea: one round is tick, transmit, requests, events, then wait for feedback until the
 * engine wants to go on; with batched system calls a round blocks its thread for less than a
 * millisecond at a time, and the event loop turns only when a read is open or 20 ms have passed.
 */
import type { Arena } from "../../shared/core/arena.ts";
import type { DatagramPort } from "../../shared/core/datagram-port.ts";
import type { DatagramView } from "../../shared/core/engine.ts";
import { messageOf } from "../../shared/core/errors.ts";
import type { ReadRequest, SenderEvent } from "./contract.ts";
import type { Sender } from "./engine.ts";

/** Where the records come from. */
export interface ChunkSource {
  /**
   * Reads the record of a chunk.
   *
   * @param chunk - Chunks are asked for in ascending order first, later in any order.
   * @param into - Written from its start; the source must not keep it after it answered.
   * @returns Length of the record; 0 when the stream ended before this chunk.
   * @throws Anything: the session is aborted with its message.
   */
  read(chunk: number, into: Uint8Array): number | Promise<number>;
}

/** The last event of a session. */
export type SenderEnd = Extract<SenderEvent, { kind: "ended" }>;

/** What {@link runSender} needs. */
export interface SenderLoopOptions {
  /** The engine; owned by the loop until it ended. */
  readonly sender: Sender;
  /** Bound and, where wanted, tied to an interface. The caller closes it. */
  readonly port: DatagramPort;
  /** The arena of engine and port. */
  readonly arena: Arena;
  readonly source: ChunkSource;
  /** Gives a reason when the operator wants to stop; asked every round. */
  stopReason(): string | undefined;
  /** Told of every event, the last one included. */
  onEvent(event: SenderEvent): void;
  /** Called about every 200 ms, for bars. */
  onProgress?(): void;
}

/** Longest wait in a round: a stop is noticed after that. Unit: milliseconds. */
const WAIT_MAX_MS = 20;
/** With a read open, its result is looked for this often. Unit: milliseconds. */
const READ_POLL_MS = 1;
/** The event loop (signals, messages) turns at least this often. Unit: milliseconds. */
const TURN_MS = 20;
const PROGRESS_MS = 200;

/**
 * Runs a session to its end.
 *
 * @param options - See {@link SenderLoopOptions}.
 * @returns The engine's last event.
 * @throws {@link SystemCallError} when the socket breaks.
 */
export function runSender(options: SenderLoopOptions): Promise<SenderEnd> {
  return new SenderLoop(options).run();
}

class SenderLoop {
  readonly #options: SenderLoopOptions;
  readonly #sender: Sender;
  readonly #port: DatagramPort;
  #now = 0;
  #waited = false;
  #openReads = 0;
  #stopping = false;
  #end: SenderEnd | undefined;
  #refused = 0;

  constructor(options: SenderLoopOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#port = options.port;
  }

  async run(): Promise<SenderEnd> {
    const sender = this.#sender;
    const visit = (view: DatagramView): void => {
      // The clock stood still while waiting; one look at it serves a whole batch.
      if (this.#waited) this.#now = performance.now();
      this.#waited = false;
      sender.receive(view, this.#now);
    };
    let turned = performance.now();
    let shown = turned;
    while (this.#end === undefined) {
      this.#now = performance.now();
      this.#checkStop();
      sender.tick(this.#now);
      if (sender.transmit(this.#port.batch, this.#now) > 0) {
        const sent = this.#port.send();
        if (typeof sent !== "number") await sent;
        this.#noteRefused();
      }
      for (const request of sender.requests()) this.#read(request);
      this.#takeEvents();
      const waitMs = this.#waitMs();
      const got = this.#port.receive(waitMs, visit);
      if (typeof got !== "number") await got;
      if (this.#openReads > 0 || this.#now - turned > TURN_MS) {
        await turnOfEventLoop();
        turned = this.#now;
      }
      if (this.#now - shown > PROGRESS_MS) {
        this.#options.onProgress?.();
        shown = this.#now;
      }
    }
    return this.#end;
  }

  #waitMs(): number {
    const most = this.#openReads > 0 ? READ_POLL_MS : WAIT_MAX_MS;
    this.#now = performance.now();
    this.#waited = true;
    return Math.min(Math.max(this.#sender.nextWakeup() - this.#now, 0), most);
  }

  #checkStop(): void {
    if (this.#stopping) return;
    const reason = this.#options.stopReason();
    if (reason === undefined) return;
    this.#stopping = true;
    this.#sender.complete({ kind: "abort", reason }, this.#now);
  }

  #noteRefused(): void {
    const { refused } = this.#port.counters;
    if (refused === this.#refused) return;
    this.#sender.complete({ kind: "refused", count: refused - this.#refused }, performance.now());
    this.#refused = refused;
  }

  #takeEvents(): void {
    for (const event of this.#sender.events()) {
      this.#options.onEvent(event);
      if (event.kind === "ended") this.#end = event;
    }
  }

  #read(request: ReadRequest): void {
    const { chunk, offset, capacity } = request;
    const into = this.#options.arena.bytes.subarray(offset, offset + capacity);
    try {
      const length = this.#options.source.read(chunk, into);
      if (typeof length === "number") {
        this.#sender.complete({ kind: "read", chunk, length }, this.#now);
      } else {
        this.#openReads += 1;
        void this.#finish(chunk, length);
      }
    } catch (error) {
      this.#fail(chunk, error);
    }
  }

  async #finish(chunk: number, reading: Promise<number>): Promise<void> {
    try {
      const length = await reading;
      this.#sender.complete({ kind: "read", chunk, length }, performance.now());
    } catch (error) {
      this.#fail(chunk, error);
    } finally {
      this.#openReads -= 1;
    }
  }

  #fail(chunk: number, error: unknown): void {
    const reason = messageOf(error);
    this.#sender.complete({ kind: "read failed", chunk, reason }, performance.now());
  }
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
