/**
 * Drives a reception engine: hands it datagrams, sends its reports, carries out its requests.
 *
 * The one idea: at full rate a receiver that wakes for every datagram spends its time waking; so
 * after each batch it sleeps a millisecond and then takes some eighty datagrams with one call,
 * while the kernel's buffer holds a hundred times as many. Repairing a block happens here;
 * checking and writing belong to the sink, which may answer later.
 */
import type { Arena } from "../../shared/core/arena.ts";
import type { DatagramPort } from "../../shared/core/datagram-port.ts";
import type { DatagramView } from "../../shared/core/engine.ts";
import { messageOf } from "../../shared/core/errors.ts";
import type { BlockRepairer } from "./block-repair.ts";
import type { DeliverRequest, FetchRequest, ReceptionEvent, ReceptionRequest } from "./contract.ts";
import type { Reception } from "./engine.ts";

/** Where chunks go. */
export interface ChunkSink {
  /**
   * Checks a record and writes what it holds.
   *
   * @param chunk - Its place.
   * @param record - A view of the arena, stable until the answer.
   * @returns "bad" when the content is not what it should be: the chunk will come again.
   * @throws Anything: the reception ends with its message (disk error).
   */
  deliver(chunk: number, record: Uint8Array): SinkAnswer | Promise<SinkAnswer>;
  /**
   * Fetches a chunk by unicast, checks and writes it. Needed when the engine was told it may ask.
   *
   * @param chunk - Its place.
   * @returns "failed" when the network or the content failed: the engine may ask again.
   */
  fetch?(chunk: number): Promise<"ok" | "failed">;
}

/** What a sink thinks of a record. */
export type SinkAnswer = "ok" | "bad";

/** The last event of a reception. */
export type ReceptionEnd = Extract<ReceptionEvent, { kind: "ended" }>;

/** What {@link runReception} needs. */
export interface ReceptionLoopOptions {
  /** The engine; owned by the loop until it ended. */
  readonly reception: Reception;
  /** Bound to the session's port, joined to its group. The caller closes it. */
  readonly port: DatagramPort;
  /** The arena of engine and port. */
  readonly arena: Arena;
  readonly repairer: BlockRepairer;
  readonly sink: ChunkSink;
  /** Gives a reason when the operator wants to stop; asked every round. */
  stopReason(): string | undefined;
  /** Told of every event, the last one included. */
  onEvent(event: ReceptionEvent): void;
  /** Called about every 200 ms, for bars. */
  onProgress?(): void;
}

/** Longest wait in a round: a stop is noticed after that. Unit: milliseconds. */
const WAIT_MAX_MS = 20;
/** With work open, its result is looked for this often. Unit: milliseconds. */
const WORK_POLL_MS = 1;
/** Sleep between batches: 83 full datagrams at 1 Gbit/s, 1/85 of the buffer. Unit: ms. */
const PAUSE_MS = 1;
/** Fewer datagrams than this in a batch, and the stream is too thin to gather it. */
const PAUSE_FROM = 4;
/** A batch this large was cut off by the port: more waits, so there is no pause. */
const BATCH_CUT = 64;
/** The event loop (signals, messages) turns at least this often. Unit: milliseconds. */
const TURN_MS = 20;
const PROGRESS_MS = 200;

/**
 * Runs a reception to its end.
 *
 * @param options - See {@link ReceptionLoopOptions}.
 * @returns The engine's last event.
 * @throws {@link SystemCallError} when the socket breaks.
 */
export function runReception(options: ReceptionLoopOptions): Promise<ReceptionEnd> {
  return new ReceptionLoop(options).run();
}

class ReceptionLoop {
  readonly #options: ReceptionLoopOptions;
  readonly #reception: Reception;
  readonly #port: DatagramPort;
  readonly #pauseCell = new Int32Array(new SharedArrayBuffer(4));
  #now = 0;
  #waited = false;
  #openWork = 0;
  #stopping = false;
  #end: ReceptionEnd | undefined;

  constructor(options: ReceptionLoopOptions) {
    this.#options = options;
    this.#reception = options.reception;
    this.#port = options.port;
  }

  async run(): Promise<ReceptionEnd> {
    const reception = this.#reception;
    const visit = (view: DatagramView): void => {
      // The clock stood still while waiting; one look at it serves a whole batch.
      if (this.#waited) this.#now = performance.now();
      this.#waited = false;
      reception.receive(view, this.#now);
    };
    let turned = performance.now();
    let shown = turned;
    while (this.#end === undefined) {
      this.#now = performance.now();
      this.#checkStop();
      reception.tick(this.#now);
      for (const request of reception.requests()) this.#start(request);
      if (reception.transmit(this.#port.batch, this.#now) > 0) {
        const sent = this.#port.send();
        if (typeof sent !== "number") await sent;
      }
      this.#takeEvents();
      const got = this.#port.receive(this.#waitMs(), visit);
      if (typeof got !== "number") await got;
      else this.#pause(got);
      if (this.#openWork > 0 || this.#now - turned > TURN_MS) {
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
    const most = this.#openWork > 0 ? WORK_POLL_MS : WAIT_MAX_MS;
    this.#now = performance.now();
    this.#waited = true;
    return Math.min(Math.max(this.#reception.nextWakeup() - this.#now, 0), most);
  }

  #pause(got: number): void {
    if (got < PAUSE_FROM || got >= BATCH_CUT) return;
    const due = this.#reception.nextWakeup() - performance.now();
    const pauseMs = Math.min(PAUSE_MS, due);
    if (pauseMs > 0) Atomics.wait(this.#pauseCell, 0, 0, pauseMs);
  }

  #checkStop(): void {
    if (this.#stopping) return;
    const reason = this.#options.stopReason();
    if (reason !== undefined) this.#abort(reason);
  }

  #abort(reason: string): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#reception.complete({ kind: "abort", reason }, performance.now());
  }

  #takeEvents(): void {
    for (const event of this.#reception.events()) {
      this.#options.onEvent(event);
      if (event.kind === "ended") this.#end = event;
    }
  }

  #start(request: ReceptionRequest): void {
    switch (request.kind) {
      case "decode": {
        const { chunk, block } = request;
        this.#options.repairer.repair(request);
        this.#reception.complete({ kind: "decoded", chunk, block }, this.#now);
        break;
      }
      case "deliver":
        this.#deliver(request);
        break;
      case "fetch":
        void this.#fetch(request);
        break;
    }
  }

  #deliver({ chunk, offset, length }: DeliverRequest): void {
    const record = this.#options.arena.bytes.subarray(offset, offset + length);
    try {
      const answer = this.#options.sink.deliver(chunk, record);
      if (typeof answer === "string") this.#delivered(chunk, answer);
      else void this.#finish(chunk, answer);
    } catch (error) {
      this.#abort(messageOf(error));
    }
  }

  async #finish(chunk: number, working: Promise<SinkAnswer>): Promise<void> {
    this.#openWork += 1;
    try {
      this.#delivered(chunk, await working);
    } catch (error) {
      this.#abort(messageOf(error));
    } finally {
      this.#openWork -= 1;
    }
  }

  async #fetch({ chunk }: FetchRequest): Promise<void> {
    this.#openWork += 1;
    try {
      const outcome = (await this.#options.sink.fetch?.(chunk)) ?? "failed";
      this.#reception.complete({ kind: "fetched", chunk, outcome }, performance.now());
    } catch (error) {
      this.#abort(messageOf(error));
    } finally {
      this.#openWork -= 1;
    }
  }

  #delivered(chunk: number, outcome: SinkAnswer): void {
    this.#reception.complete({ kind: "delivered", chunk, outcome }, performance.now());
  }
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
