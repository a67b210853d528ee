/**
 * The journal in memory, with the same contract as the one in SQLite: what `put` stored is what
 * the next start remembers, a transaction is all or nothing, sequence numbers are reserved in
 * blocks. A test compares the two run by run.
 */
import type { Event } from "../../../shared/control/event.ts";
import type {
  Journal,
  JobRecord,
  OrderRecord,
  Remembered,
  SightRecord,
  TokenRecord,
} from "../../../server/jobs/journal.ts";

/** What lies on the medium: it outlives the server. */
export interface Medium {
  readonly jobs: Map<string, JobRecord>;
  readonly orders: Map<string, OrderRecord>;
  readonly tokens: Map<string, TokenRecord>;
  readonly sights: Map<string, SightRecord>;
  readonly events: Map<string, Event[]>;
  readonly counter: { ceiling: number };
}

export function newMedium(): Medium {
  return {
    jobs: new Map(),
    orders: new Map(),
    tokens: new Map(),
    sights: new Map(),
    events: new Map(),
    counter: { ceiling: 0 },
  };
}

export class JournalTwin implements Journal {
  readonly #medium: Medium;
  /** Undoes the writes of the open transaction, last one first. */
  #undo: (() => void)[] | undefined;
  #seq: number;
  #ceiling: number;

  constructor(medium: Medium) {
    this.#medium = medium;
    this.#ceiling = medium.counter.ceiling;
    this.#seq = this.#ceiling;
  }

  remembered(): Remembered {
    const { jobs, orders, tokens, sights } = this.#medium;
    return {
      jobs: [...jobs.values()].map((job) => ({ ...job })),
      orders: [...orders.values()].map((order) => ({ ...order })),
      tokens: [...tokens.values()].map((token) => ({ ...token })),
      sights: [...sights.values()].map((sight) => ({ ...sight })),
    };
  }

  putJob(job: JobRecord): void {
    this.#put(this.#medium.jobs, job.id, { ...job });
  }

  putOrder(order: OrderRecord): void {
    this.#put(this.#medium.orders, order.id, { ...order });
  }

  putToken(token: TokenRecord): void {
    this.#put(this.#medium.tokens, token.digest, { ...token });
  }

  dropToken(digest: string): void {
    const { tokens } = this.#medium;
    const old = tokens.get(digest);
    if (old === undefined) return;
    tokens.delete(digest);
    this.#undo?.push(() => tokens.set(digest, old));
  }

  putSight(sight: SightRecord): void {
    this.#put(this.#medium.sights, sight.node, { ...sight });
  }

  putEvent(event: Event): void {
    const { events } = this.#medium;
    const job = event.job ?? "";
    const list = events.get(job) ?? [];
    if (list.some(({ seq }) => seq === event.seq)) throw new Error("UNIQUE constraint: event.seq");
    events.set(job, list);
    list.push({ ...event });
    this.#undo?.push(() => list.pop());
  }

  nextSeq(): number {
    if (this.#seq === this.#ceiling) {
      this.#ceiling += SEQ_BLOCK;
      const { counter } = this.#medium;
      const old = counter.ceiling;
      counter.ceiling = this.#ceiling;
      this.#undo?.push(() => {
        counter.ceiling = old;
      });
    }
    this.#seq += 1;
    return this.#seq;
  }

  eventsAfter(job: string, seq: number, limit: number): readonly Event[] {
    const events = this.#medium.events.get(job) ?? [];
    return events.filter((event) => event.seq > seq).slice(0, limit);
  }

  together(writes: () => void): void {
    if (this.#undo !== undefined) {
      writes();
      return;
    }
    const undo: (() => void)[] = [];
    this.#undo = undo;
    try {
      writes();
    } catch (thrown) {
      for (const step of undo.reverse()) step();
      throw thrown;
    } finally {
      this.#undo = undefined;
    }
  }

  close(): void {
    this.#undo = undefined;
  }

  #put<T>(map: Map<string, T>, key: string, value: T): void {
    const old = map.get(key);
    map.set(key, value);
    this.#undo?.push(() => {
      if (old === undefined) map.delete(key);
      else map.set(key, old);
    });
  }
}

const SEQ_BLOCK = 1000;
