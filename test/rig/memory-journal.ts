/**
 * A journal in memory, the twin of journal-sqlite.io.ts for unit tests and for the simulated lab.
 *
 * A {@link JournalDisk} keeps what is durable. A journal that is opened on it anew sees what a
 * restarted server would see. The disk calls `fate` before each durable write, so a test can fill
 * the disk, or cut the power just before or just after any write.
 */
import { Event } from "../../shared/control/event.ts";
import { JOBS_KEPT } from "../../server/jobs/journal.ts";
import type {
  Journal,
  JobRecord,
  OrderRecord,
  Remembered,
  SightRecord,
  TokenRecord,
} from "../../server/jobs/journal.ts";

/**
 * What happens to one durable write. After a power cut the journal fails until it is opened anew.
 */
export type WriteFate = "kept" | "full" | "cut before" | "cut after";

/** Thrown by a journal whose power was cut, in that write and in every later call. */
export class PowerCut extends Error {
  constructor() {
    super("the power was cut");
  }
}

type Table = "job" | "order" | "token" | "sight" | "event";

/** What survives a power cut. Records are kept as JSON, so no object is shared with it. */
export class JournalDisk {
  readonly tables: Readonly<Record<Table, Map<string, string>>> = {
    job: new Map(),
    order: new Map(),
    token: new Map(),
    sight: new Map(),
    event: new Map(),
  };
  /** Event numbers up to this one are reserved. */
  ceiling = 0;
  /** Durable writes so far, failed ones included. */
  writes = 0;
  /** Called before write number `write`, counted from 0. */
  fate: (write: number) => WriteFate = () => "kept";
}

/** The journal over a {@link JournalDisk}. */
export class MemoryJournal implements Journal {
  readonly #disk: JournalDisk;
  /** How to undo what the open transaction did; undefined outside of one. */
  #undo: (() => void)[] | undefined;
  #seq: number;
  #dead = false;

  constructor(disk: JournalDisk = new JournalDisk()) {
    this.#disk = disk;
    this.#seq = disk.ceiling;
  }

  remembered(): Remembered {
    this.#refuseDead();
    const jobs = this.#all<JobRecord>("job");
    return {
      jobs: jobs.sort((left, right) => left.createdAt - right.createdAt),
      orders: this.#all<OrderRecord>("order"),
      tokens: this.#all<TokenRecord>("token"),
      sights: this.#all<SightRecord>("sight"),
    };
  }

  putJob(job: JobRecord): void {
    this.together(() => {
      this.#put("job", job.id, job);
      if (job.state === "running") this.#forgetOld();
    });
  }

  putOrder(order: OrderRecord): void {
    this.#put("order", order.id, order);
  }

  putToken(token: TokenRecord): void {
    this.#put("token", token.digest, token);
  }

  dropToken(digest: string): void {
    this.#put("token", digest, undefined);
  }

  putSight(sight: SightRecord): void {
    this.#put("sight", sight.node, sight);
  }

  putEvent(event: Event): void {
    this.#put("event", String(event.seq), event);
  }

  nextSeq(): number {
    this.#refuseDead();
    if (this.#seq >= this.#disk.ceiling) {
      this.together(() => {
        const before = this.#disk.ceiling;
        this.#disk.ceiling = Math.max(this.#seq, before) + SEQ_BLOCK;
        this.#undo?.push(() => {
          this.#disk.ceiling = before;
        });
      });
    }
    this.#seq += 1;
    return this.#seq;
  }

  eventsAfter(job: string, seq: number, limit: number): readonly Event[] {
    this.#refuseDead();
    return this.#all<Event>("event")
      .filter((event) => (event.job ?? "") === job && event.seq > seq)
      .map((event) => Event.parse(event))
      .sort((left, right) => left.seq - right.seq)
      .slice(0, limit);
  }

  together(writes: () => void): void {
    this.#refuseDead();
    if (this.#undo !== undefined) {
      writes();
      return;
    }
    const undo: (() => void)[] = [];
    this.#undo = undo;
    try {
      writes();
      this.#commit();
    } catch (thrown) {
      for (const step of undo.reverse()) step();
      throw thrown;
    } finally {
      this.#undo = undefined;
    }
    if (this.#dead) throw new PowerCut();
  }

  close(): void {
    this.#dead = true;
  }

  /** @throws Error if this write does not become durable. */
  #commit(): void {
    if (this.#undo?.length === 0) return;
    const fate = this.#disk.fate(this.#disk.writes);
    this.#disk.writes += 1;
    if (fate === "full") throw new Error("database or disk is full");
    this.#dead = fate !== "kept";
    if (fate === "cut before") throw new PowerCut();
  }

  #put(table: Table, key: string, record: object | undefined): void {
    this.together(() => {
      const rows = this.#disk.tables[table];
      const before = rows.get(key);
      this.#undo?.push(() => {
        if (before === undefined) rows.delete(key);
        else rows.set(key, before);
      });
      if (record === undefined) rows.delete(key);
      else rows.set(key, JSON.stringify(record));
    });
  }

  #forgetOld(): void {
    const jobs = this.#all<JobRecord>("job").sort(
      (left, right) => right.createdAt - left.createdAt,
    );
    const orders = this.#all<OrderRecord>("order");
    for (const { id, state } of jobs.slice(JOBS_KEPT)) {
      const own = orders.filter((order) => order.job === id);
      if (state === "running" || own.some(({ verdict }) => verdict === null)) continue;
      for (const event of this.#all<Event>("event")) {
        if (event.job === id) this.#put("event", String(event.seq), undefined);
      }
      for (const order of own) this.#put("order", order.id, undefined);
      this.#put("job", id, undefined);
    }
  }

  #all<T>(table: Table): T[] {
    return [...this.#disk.tables[table].values()].map((json) => JSON.parse(json) as T);
  }

  #refuseDead(): void {
    if (this.#dead) throw new PowerCut();
  }
}

/** As in journal-sqlite.io.ts. */
const SEQ_BLOCK = 1000;
