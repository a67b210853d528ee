/**
 * Where the journals of a run lie, and what the judge reads there: the records that are durable, by
 * another way than the server's.
 */
import type { Event } from "../../../shared/control/event.ts";
import type { Journal, JobRecord, OrderRecord } from "../../../server/jobs/journal.ts";
import { JournalDisk, MemoryJournal } from "../../rig/memory-journal.ts";

export interface Medium {
  /** Opens the journal for one run of the server. */
  open(): Journal;
  jobs(): readonly JobRecord[];
  orders(): readonly OrderRecord[];
  order(id: string): OrderRecord | undefined;
  events(job: string): readonly Event[];
  close(): void;
}

/** In memory. Records are parsed again only when they have changed. */
export class MemoryMedium implements Medium {
  readonly #disk = new JournalDisk();
  readonly #parsed = new Map<string, { readonly json: string; readonly record: unknown }>();

  open(): Journal {
    return new MemoryJournal(this.#disk);
  }

  jobs(): readonly JobRecord[] {
    return [...this.#disk.tables.job.keys()].map((id) => this.#read("job", id) as JobRecord);
  }

  orders(): readonly OrderRecord[] {
    return [...this.#disk.tables.order.keys()].map((id) => this.#read("order", id) as OrderRecord);
  }

  order(id: string): OrderRecord | undefined {
    if (!this.#disk.tables.order.has(id)) return undefined;
    return this.#read("order", id) as OrderRecord;
  }

  events(job: string): readonly Event[] {
    return new MemoryJournal(this.#disk).eventsAfter(job, 0, Infinity);
  }

  close(): void {
    this.#parsed.clear();
  }

  #read(table: "job" | "order", id: string): unknown {
    const json = this.#disk.tables[table].get(id) ?? "";
    const known = this.#parsed.get(id);
    if (known?.json === json) return known.record;
    const record: unknown = JSON.parse(json);
    this.#parsed.set(id, { json, record });
    return record;
  }
}

/** Over any other journal. */
export class OpenedMedium implements Medium {
  readonly #open: () => Journal;
  /** Only one can be open: that of the running server, or ours while none runs. */
  #journal: Journal | undefined;

  constructor(open: () => Journal) {
    this.#open = open;
  }

  open(): Journal {
    this.#journal?.close();
    const journal = this.#open();
    const close = journal.close.bind(journal);
    journal.close = () => {
      close();
      if (this.#journal === journal) this.#journal = undefined;
    };
    this.#journal = journal;
    return journal;
  }

  jobs(): readonly JobRecord[] {
    return this.#reader().remembered().jobs;
  }

  orders(): readonly OrderRecord[] {
    return this.#reader().remembered().orders;
  }

  order(id: string): OrderRecord | undefined {
    return this.orders().find((order) => order.id === id);
  }

  events(job: string): readonly Event[] {
    return this.#reader().eventsAfter(job, 0, 1_000_000);
  }

  close(): void {
    this.#journal?.close();
  }

  #reader(): Journal {
    this.#journal ??= this.#open();
    return this.#journal;
  }
}
