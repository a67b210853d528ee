/**
 * The event log: numbers events, keeps the durable ones, tells whoever listens.
 *
 * The one idea: nobody hears of what is not yet durable. Events made inside `together` are told
 * only after the journal has committed them; progress is told at once and never kept.
 */
import type { Event } from "../../shared/control/event.ts";
import type { Journal } from "./journal.ts";

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** An event before it has a number and a time. */
export type EventDraft = Without<Event, "seq" | "at">;

/** Gets the events of one job in order of `seq`. Must not throw. */
export type EventListener = (event: Event) => void;

/** Numbers, keeps and tells. */
export class EventLog {
  readonly #journal: Journal;
  readonly #listeners = new Map<string, Set<EventListener>>();
  #held: Event[] | undefined;

  /** @param journal - Keeps the durable events and gives the numbers. */
  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Adds an event.
   *
   * @param draft - What happened.
   * @param now - When: milliseconds since 1970.
   */
  add(draft: EventDraft, now: number): void {
    const event: Event = {
      ...draft,
      seq: this.#journal.nextSeq(),
      at: new Date(now).toISOString(),
    };
    if (event.kind !== "progress") this.#journal.putEvent(event);
    if (this.#held === undefined) this.#tell(event);
    else this.#held.push(event);
  }

  /**
   * Makes journal writes and events one: all durable and told, or none.
   *
   * @param writes - Called once; may nest.
   */
  together(writes: () => void): void {
    if (this.#held !== undefined) {
      writes();
      return;
    }
    const held: Event[] = [];
    this.#held = held;
    try {
      this.#journal.together(writes);
    } finally {
      this.#held = undefined;
    }
    for (const event of held) this.#tell(event);
  }

  /**
   * Listens to one job.
   *
   * @param job - Its id.
   * @param listener - Called during the change itself: it only takes note.
   * @returns Ends the listening. Idempotent.
   */
  listen(job: string, listener: EventListener): () => void {
    const listeners = this.#listeners.get(job) ?? new Set();
    this.#listeners.set(job, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(job);
    };
  }

  /**
   * Reads back.
   *
   * @param job - Its id.
   * @param seq - Events with a higher number are given.
   * @param limit - At most so many.
   * @returns In order of `seq`.
   */
  after(job: string, seq: number, limit: number): readonly Event[] {
    return this.#journal.eventsAfter(job, seq, limit);
  }

  #tell(event: Event): void {
    for (const listener of this.#listeners.get(event.job ?? "") ?? []) listener(event);
  }
}
