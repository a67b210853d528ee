/**
 * Virtual time for a whole lab: events in order, promises that virtual time settles, one source of
 * chance, and the trace by which two runs are compared.
 *
 * Production code under simulation awaits promises, so after every event that settled one the
 * world lets the event loop run dry before the next event comes; nothing else decides an order.
 */
import { AssertionError } from "node:assert";
import { createHash } from "node:crypto";
import { seededRandom } from "../../../shared/core/random.ts";
import type { Random } from "../../../shared/core/random.ts";

/** An event that will come; `cancel` takes it away. */
export interface Timer {
  cancel(): void;
}

/** A promise that an event settles. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class World {
  readonly random: Random;
  readonly trace: string[] = [];
  readonly broken: string[] = [];
  /** True time since the start of the run. Unit: milliseconds. */
  now = 0;
  readonly #heap: Entry[] = [];
  #order = 0;
  #ids = 0;
  #stirred = false;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  chance(share: number): boolean {
    return share > 0 && this.random.fraction() < share;
  }

  between(low: number, high: number): number {
    return low + this.random.below(high - low + 1);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.random.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** 128 bits as hexadecimal; never the same twice in a run. */
  id128(): string {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(32, "0");
  }

  note(line: string): void {
    this.trace.push(`${(this.now / 1000).toFixed(3)} ${line}`);
  }

  /** A promise of the project was broken; the run goes on, the test fails. */
  breaks(promise: string, text: string): void {
    this.note(`BROKEN ${promise}: ${text}`);
    this.broken.push(`${promise}: ${text}`);
  }

  /** What production code threw: a failed assertion is a bug of ours, whatever it says (P11). */
  thrown(where: string, thrown: unknown): void {
    if (thrown instanceof AssertionError || thrown instanceof TypeError) {
      this.breaks("P11", `${where}: ${thrown.message}`);
    } else this.note(`${where}: ${String(thrown)}`);
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Entry = { at: this.now + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(entry);
    return {
      cancel: () => {
        entry.run = undefined;
      },
    };
  }

  deferred<T>(): Deferred<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    return {
      promise,
      resolve: (value) => {
        this.#stirred = true;
        resolve(value);
      },
      reject: (error) => {
        this.#stirred = true;
        reject(error);
      },
    };
  }

  sleep(delayMs: number): Promise<void> {
    const { promise, resolve } = this.deferred<undefined>();
    this.after(delayMs, () => {
      resolve(undefined);
    });
    return promise;
  }

  /** Production code was called that may go on in promises of its own. */
  stir(): void {
    this.#stirred = true;
  }

  /** Lets time pass until `done` says so, or nothing more will happen, or the time is up. */
  async run(untilMs: number, done: () => boolean): Promise<void> {
    for (;;) {
      const entry = this.#pop();
      if (entry === undefined || entry.at > untilMs) return;
      if (entry.run === undefined) continue;
      this.now = entry.at;
      entry.run();
      if (this.#stirred) await this.#settle();
      if (done()) return;
    }
  }

  digest(): string {
    return createHash("sha256").update(this.trace.join("\n")).digest("hex");
  }

  async #settle(): Promise<void> {
    this.#stirred = false;
    await new Promise((resolve) => setImmediate(resolve));
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      const right = heap[child + 1];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child += 1;
      const lower = heap[child];
      if (lower === undefined || isBefore(last, lower)) break;
      heap[index] = lower;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
