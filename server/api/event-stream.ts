/**
 * One job's events as a stream of lines: first those that are kept, then new ones as they happen,
 * until the event of kind `end`.
 *
 * A reader that is too slow first loses progress events and then the stream itself; it asks again
 * with the last `seq` that it saw. So the server's memory stays bounded (CONTROL.md section 5).
 */
import { Readable } from "node:stream";
import type { Event } from "../../shared/control/event.ts";
import type { EventLog } from "../jobs/event-log.ts";

/**
 * Opens the stream.
 *
 * @param after - Only events with a higher `seq` are given.
 * @param ended - True if the job's `end` event is already in the log.
 * @returns Lines of JSON. The stream ends after `end`, or if the reader falls too far behind.
 */
export function eventStream(log: EventLog, job: string, after: number, ended: boolean): Readable {
  return new EventStream(log, { job, after, ended });
}

class EventStream extends Readable {
  readonly #log: EventLog;
  readonly #job: string;
  #seq: number;
  #unlisten: (() => void) | undefined;
  readonly #endedBefore: boolean;
  #finished = false;

  constructor(log: EventLog, from: { job: string; after: number; ended: boolean }) {
    super({ highWaterMark: PROGRESS_BYTES_MAX });
    this.#log = log;
    this.#job = from.job;
    this.#seq = from.after;
    this.#endedBefore = from.ended;
  }

  /** Gives kept events page by page as the reader takes them; after the last page it listens. */
  override _read(): void {
    if (this.#unlisten !== undefined) return;
    const page = this.#log.after(this.#job, this.#seq, PAGE_EVENTS);
    for (const event of page) this.#give(event);
    if (page.length === PAGE_EVENTS || this.#finished) return;
    if (this.#endedBefore) {
      this.#finish();
      return;
    }
    this.#unlisten = this.#log.listen(this.#job, (event) => {
      this.#hear(event);
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#unlisten?.();
    done(error);
  }

  #hear(event: Event): void {
    if (this.readableLength > STREAM_BYTES_MAX) {
      this.#finish();
    } else if (event.kind !== "progress" || this.readableLength < PROGRESS_BYTES_MAX) {
      this.#give(event);
    }
  }

  #give(event: Event): void {
    if (this.#finished || event.seq <= this.#seq) return;
    this.#seq = event.seq;
    this.push(`${JSON.stringify(event)}\n`);
    if (event.kind === "end") this.#finish();
  }

  #finish(): void {
    this.#finished = true;
    this.#unlisten?.();
    this.push(null);
  }
}

/** With more than this waiting for the reader, progress events are left out. */
const PROGRESS_BYTES_MAX = 64 << 10;
/** With more than this waiting, the reader must have stopped reading: the stream ends. */
const STREAM_BYTES_MAX = 4 << 20;
/** How many events are read from the journal at a time. */
const PAGE_EVENTS = 500;
