/**
 * A journal on a medium that may be full, and in a server that may die at any write: before it is
 * durable (the write is lost) or just after (nobody hears that it was kept).
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

/** Thrown through everything that runs in a server when it dies. */
export class ServerDied extends Error {}

/** What can go wrong, asked at every commit. */
export interface JournalFate {
  /** "lost" and "kept": the server dies before or after this commit. */
  atCommit(): "well" | "full" | "lost" | "kept";
  died(): void;
}

export class FaultyJournal implements Journal {
  readonly #inner: Journal;
  readonly #fate: JournalFate;
  #depth = 0;
  #dead = false;

  constructor(inner: Journal, fate: JournalFate) {
    this.#inner = inner;
    this.#fate = fate;
  }

  /** The server died of something else: nothing is written any more. */
  kill(): void {
    this.#dead = true;
    this.#inner.close();
  }

  remembered(): Remembered {
    return this.#inner.remembered();
  }

  putJob(job: JobRecord): void {
    this.#write(() => {
      this.#inner.putJob(job);
    });
  }

  putOrder(order: OrderRecord): void {
    this.#write(() => {
      this.#inner.putOrder(order);
    });
  }

  putToken(token: TokenRecord): void {
    this.#write(() => {
      this.#inner.putToken(token);
    });
  }

  dropToken(digest: string): void {
    this.#write(() => {
      this.#inner.dropToken(digest);
    });
  }

  putSight(sight: SightRecord): void {
    this.#write(() => {
      this.#inner.putSight(sight);
    });
  }

  putEvent(event: Event): void {
    this.#write(() => {
      this.#inner.putEvent(event);
    });
  }

  nextSeq(): number {
    if (this.#dead) throw new ServerDied();
    return this.#inner.nextSeq();
  }

  eventsAfter(job: string, seq: number, limit: number): readonly Event[] {
    return this.#inner.eventsAfter(job, seq, limit);
  }

  together(writes: () => void): void {
    this.#write(() => {
      this.#depth += 1;
      try {
        writes();
      } finally {
        this.#depth -= 1;
      }
    });
  }

  close(): void {
    this.kill();
  }

  #write(work: () => void): void {
    if (this.#dead) throw new ServerDied();
    if (this.#depth > 0) {
      work();
      return;
    }
    const fate = this.#fate.atCommit();
    this.#inner.together(() => {
      work();
      if (fate === "full") throw new Error("database or disk is full");
      if (fate === "lost") throw this.#die();
    });
    if (fate === "kept") throw this.#die();
  }

  #die(): ServerDied {
    this.#dead = true;
    this.#fate.died();
    return new ServerDied();
  }
}
