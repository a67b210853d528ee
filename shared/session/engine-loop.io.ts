/**
 * The loop that drives an engine: it moves datagrams, starts the engine's requests, passes the time
 * on and reports events.
 *
 * With batched system calls one round blocks the thread for a few milliseconds at most. So the loop
 * yields to the event loop of Node.js only while requests are open, or every 20 ms; and it reads
 * the clock once for a whole batch of datagrams.
 */
import type { DatagramPort } from "../core/datagram-port.ts";
import type { DatagramView, Engine } from "../core/engine.ts";
import { messageOf } from "../core/errors.ts";
import type { Millis } from "../core/units.ts";

/** What stops an engine from outside. */
export interface Abort {
  readonly kind: "abort";
  readonly reason: string;
}

/** The last event of an engine. */
export type EngineEnd<Event> = Extract<Event, { readonly kind: "ended" }>;

/** The callbacks of a loop's caller. */
export interface LoopWatcher<Event> {
  /**
   * Asked every round; a string is the operator's reason to stop. An exception thrown here leaves
   * the loop at once, and the peers are not told.
   */
  stopReason(): string | undefined;
  /** Called for every event, including the last one. */
  onEvent(event: Event): void;
  /** Called about every 200 ms, to redraw progress bars. */
  onProgress?(): void;
}

/** An engine, and the parts of the loop that differ between engines. */
export interface LoopParts<Request, Result, Event> {
  /** Owned by the loop until the engine has ended. */
  readonly engine: Engine<Request, Result | Abort, Event>;
  /** The caller closes it. */
  readonly port: DatagramPort;
  readonly watcher: LoopWatcher<Event>;
  /**
   * Starts a request.
   *
   * @returns Undefined if the engine has its result already, else a promise of the result. If the
   *   promise rejects, the engine is aborted.
   */
  begin(request: Request, now: Millis): Promise<Result> | undefined;
  /** Called after datagrams were sent. */
  sent?(): void;
  /** Called after datagrams were received without waiting for a promise; it may sleep. */
  received?(got: number): void;
}

/**
 * Arena bytes that an end of a session needs besides its cache or ring: for port buffers and
 * batches of either kind of port, tagger, FEC scratch and repair scratch.
 */
export const SESSION_OVERHEAD_BYTES: number = 8 * 1024 * 1024;
/** Longest wait in a round, and so the longest time until a stop is noticed. Unit: milliseconds. */
const WAIT_MAX_MS = 20;
/** While requests are open, the loop checks for results this often. Unit: milliseconds. */
const WORK_POLL_MS = 1;
/** The event loop (signals, messages) turns at least this often. Unit: milliseconds. */
const TURN_MS = 20;
const PROGRESS_MS = 200;

/**
 * Runs an engine to its end.
 *
 * @returns The engine's last event.
 * @throws Whatever the port throws when the socket breaks, and what `stopReason` throws.
 */
export function runEngine<Request, Result, Event extends { readonly kind: string }>(
  parts: LoopParts<Request, Result, Event>,
): Promise<EngineEnd<Event>> {
  return new EngineLoop(parts).run();
}

class EngineLoop<Request, Result, Event extends { readonly kind: string }> {
  readonly #parts: LoopParts<Request, Result, Event>;
  readonly #engine: Engine<Request, Result | Abort, Event>;
  #now = 0;
  #waited = false;
  #openWork = 0;
  #stopping = false;
  #end: EngineEnd<Event> | undefined;

  constructor(parts: LoopParts<Request, Result, Event>) {
    this.#parts = parts;
    this.#engine = parts.engine;
  }

  async run(): Promise<EngineEnd<Event>> {
    const engine = this.#engine;
    const { port, watcher } = this.#parts;
    const visit = (view: DatagramView): void => {
      // The clock was not read while waiting; one reading serves the whole batch.
      if (this.#waited) this.#now = performance.now();
      this.#waited = false;
      engine.receive(view, this.#now);
    };
    let turned = performance.now();
    let shown = turned;
    while (this.#end === undefined) {
      this.#now = performance.now();
      this.#checkStop();
      engine.tick(this.#now);
      this.#beginWork();
      if (engine.transmit(port.batch, this.#now) > 0) {
        const sent = port.send();
        if (typeof sent !== "number") await sent;
        this.#parts.sent?.();
      }
      this.#beginWork();
      this.#takeEvents();
      const got = port.receive(this.#waitMs(), visit);
      if (typeof got !== "number") await got;
      else this.#parts.received?.(got);
      if (this.#openWork > 0 || this.#now - turned > TURN_MS) {
        await turnOfEventLoop();
        turned = this.#now;
      }
      if (this.#now - shown > PROGRESS_MS) {
        watcher.onProgress?.();
        shown = this.#now;
      }
    }
    return this.#end;
  }

  #waitMs(): number {
    const most = this.#openWork > 0 ? WORK_POLL_MS : WAIT_MAX_MS;
    this.#now = performance.now();
    this.#waited = true;
    return Math.min(Math.max(this.#engine.nextWakeup() - this.#now, 0), most);
  }

  #checkStop(): void {
    if (this.#stopping) return;
    const reason = this.#parts.watcher.stopReason();
    if (reason !== undefined) this.#abort(reason);
  }

  #abort(reason: string): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#engine.complete({ kind: "abort", reason }, performance.now());
  }

  #beginWork(): void {
    for (const request of this.#engine.requests()) {
      try {
        const working = this.#parts.begin(request, this.#now);
        if (working !== undefined) void this.#finish(working);
      } catch (error) {
        this.#abort(messageOf(error));
      }
    }
  }

  async #finish(working: Promise<Result>): Promise<void> {
    this.#openWork += 1;
    try {
      const result = await working;
      this.#engine.complete(result, performance.now());
    } catch (error) {
      this.#abort(messageOf(error));
    } finally {
      this.#openWork -= 1;
    }
  }

  #takeEvents(): void {
    for (const event of this.#engine.events()) {
      this.#parts.watcher.onEvent(event);
      if (isEnd(event)) this.#end = event;
    }
  }
}

function isEnd<Event extends { readonly kind: string }>(event: Event): event is EngineEnd<Event> {
  return event.kind === "ended";
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
