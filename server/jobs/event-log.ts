/**
 * The event log: numbers events, writes the durable ones to the journal and tells the listeners.
 *
 * A listener never hears of an event that could still be lost: events added inside `together` are
 * told only after the journal has committed them. Progress events are told at once and never kept.
 */
import type { Event } from "../../shared/control/event.ts";
import type { Journal } from "./journal.ts";

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** An event before it has a number and a time. */
export type EventDraft = Without<Event, "seq" | "at">;

/** Gets the events of one job in the order of `seq`. Must not throw. */
export type EventListener = (event: Event) => void;

export class EventLog {
  readonly #journal: Journal;
  readonly #all: EventListener;
  readonly #listeners = new Map<string, Set<EventListener>>();
  #held: Event[] | undefined;

  /** @param all - Listens to the events of all jobs. */
  constructor(journal: Journal, all: EventListener = () => undefined) {
    this.#journal = journal;
    this.#all = all;
  }

  /** Adds an event that happened at `now`, in milliseconds since 1970. */
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
   * Makes the journal writes and events of `writes` one: either all of them are durable and then
   * told, or none is. May nest.
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
   * Listens to the events of one job. The listener is called while the change is being made, so it
   * must only take note of it.
   *
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
   * Gives at most `limit` durable events of a job whose number is above `seq`, in order of `seq`.
   */
  after(job: string, seq: number, limit: number): readonly Event[] {
    return this.#journal.eventsAfter(job, seq, limit);
  }

  #tell(event: Event): void {
    this.#all(event);
    for (const listener of this.#listeners.get(event.job ?? "") ?? []) listener(event);
  }
}
