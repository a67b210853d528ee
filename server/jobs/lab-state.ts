/**
 * What the lab knows: jobs, their orders, and what each node last told about itself.
 *
 * This file keeps state and decides nothing; order-machine.ts moves the orders and writes through
 * the methods here. While the journal cannot write, no time passes for the orders: a node that has
 * finished goes on reporting, and is not called lost because the server's disk was full.
 */
import assert from "node:assert/strict";
import type { Verdict } from "../../shared/control/verdict.ts";
import { isOk } from "../../shared/control/verdict.ts";
import { principalText } from "../../shared/control/principal.ts";
import type { Principal } from "../../shared/control/principal.ts";
import { ExitCode, SituationError, codeOf, messageOf } from "../../shared/core/errors.ts";
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { EventDraft, EventLog } from "./event-log.ts";
import { heldAfter, heldOf } from "./held-image.ts";
import { JOBS_KEPT } from "./journal.ts";
import type { Journal, JobRecord, OrderRecord, Remembered, SightRecord } from "./journal.ts";
import { LiveOrder } from "./order-machine.ts";
import type { OrderKeeper, WaitBounds } from "./order-machine.ts";
import { Turns } from "./turns.ts";

/** Something that the loop must do for the lab. */
export type LabRequest =
  /** Bring the node into the receiver. */
  | { readonly kind: "enter"; readonly node: string; readonly order: string }
  /** Prove every chunk of a load's image; give the outcome to `Lab.noteProof`. */
  | {
      readonly kind: "prove";
      readonly job: string;
      readonly image: string;
      readonly imageId: string;
      readonly file: string | undefined;
    }
  /** The wanted state of some node may have changed: tell the boot services. */
  | { readonly kind: "wanted" };

export interface StateParts {
  readonly journal: Journal;
  /** Writes to the same journal. */
  readonly log: EventLog;
  readonly bounds: WaitBounds;
}

/** A job with its orders. */
export interface JobInMemory {
  readonly record: JobRecord;
  readonly orders: readonly LiveOrder[];
}

/** All jobs and orders. `now` is always milliseconds since 1970. */
export class LabState implements OrderKeeper {
  readonly bounds: WaitBounds;
  readonly turns: Turns;
  readonly #journal: Journal;
  readonly #log: EventLog;
  readonly #jobs = new Map<string, JobInMemory>();
  readonly #orders = new Map<string, LiveOrder>();
  readonly #sights = new Map<string, SightRecord>();
  /** Loads whose image is not proven yet: none of their nodes gets a session or may arm. */
  readonly #unproven = new Set<string>();
  /** Jobs whose abort the journal could not keep yet, and who aborted them. */
  readonly #unkeptAborts = new Map<string, Principal>();
  /** The open order of each node that is busy. */
  readonly #current = new Map<string, LiveOrder>();
  #requests: LabRequest[] = [];
  #ended: string[] = [];
  /** When time last passed for the orders: milliseconds since 1970. */
  #passedAt: number;

  /** Restores what the journal remembers, and lets `restart` happen to the open orders. */
  constructor(parts: StateParts, remembered: Remembered, now: number) {
    this.#journal = parts.journal;
    this.#log = parts.log;
    this.bounds = parts.bounds;
    this.turns = new Turns(parts.log);
    this.#passedAt = now;
    for (const sight of remembered.sights) this.#sights.set(sight.node, sight);
    for (const job of remembered.jobs) {
      const orders = remembered.orders.filter((order) => order.job === job.id);
      this.#keep(job, orders, now);
    }
    for (const order of this.open()) order.happens({ event: "restart" }, now);
  }

  /** All jobs that are kept, by id. */
  get jobs(): ReadonlyMap<string, JobInMemory> {
    return this.#jobs;
  }

  /** Orders of those jobs, by id. */
  get orders(): ReadonlyMap<string, LiveOrder> {
    return this.#orders;
  }

  /** What each node last told about itself, by its name. */
  get sights(): ReadonlyMap<string, SightRecord> {
    return this.#sights;
  }

  /**
   * Begins a job: makes it durable, then has its nodes started.
   *
   * @param orders - One for each of the job's nodes; none of these may be busy.
   * @returns The sequence number before the job's first event.
   */
  begin(job: JobRecord, orders: readonly OrderRecord[], now: number): number {
    let after = 0;
    this.turns.turn(() => {
      after = this.#journal.nextSeq();
      this.#journal.putJob(job);
      for (const order of orders) this.#journal.putOrder(order);
      const { id, image, principal } = job;
      const { action } = job.terms;
      const nodes = orders.length;
      this.#log.add({ kind: "begin", job: id, action, image, nodes, principal }, now);
    });
    this.#forgetOldest();
    this.#keep(job, orders, now);
    for (const order of orders) {
      this.ask({ kind: "enter", node: order.node, order: order.id });
    }
    this.wantedChanged();
    return after;
  }

  /**
   * Aborts a running job and its orders, and tells who did it. If the journal cannot keep that, the
   * nodes are stopped all the same, and `pass` keeps it as soon as there is room.
   *
   * @throws {@link SituationError} `abort_unkept`.
   */
  abort(id: string, by: Principal, now: number): void {
    const job = this.#jobs.get(id);
    if (job?.record.state !== "running") return;
    try {
      this.turns.turn(() => {
        const text = `aborted by ${principalText(by)}`;
        this.tell({ kind: "note", job: id, level: "info", text }, now);
        this.#putJob({ ...job.record, state: "aborted" });
        for (const order of job.orders) order.happens({ event: "abort" }, now);
      });
    } catch (thrown) {
      if (codeOf(thrown) !== "journal_unwritable") throw thrown;
      this.#unkeptAborts.set(id, by);
      this.wantedChanged();
      throw abortUnkept(id, thrown);
    }
    this.#unkeptAborts.delete(id);
  }

  /** Gives a job as it is now. The job must be in memory, as that of every order in memory is. */
  jobOf(id: string): JobRecord {
    const job = this.#jobs.get(id);
    assert(job !== undefined, "an order in memory has its job in memory");
    const { record } = job;
    return this.#unkeptAborts.has(id) ? { ...record, state: "aborted" } : record;
  }

  /** Gives the open order of a node, or undefined if it has nothing to do. */
  current(node: string): LiveOrder | undefined {
    return this.#current.get(node);
  }

  /**
   * Notes that a node was heard.
   *
   * @param disks - From a join; without them, the older ones stay.
   */
  sighted(node: string, now: number, disks?: readonly DiskDescription[]): void {
    const old = this.#sights.get(node);
    const sight: SightRecord = {
      node,
      lastSeen: now,
      disks: disks ?? old?.disks ?? [],
      last: old?.last ?? null,
      held: heldOf(old),
    };
    if (disks !== undefined) {
      this.turns.keeping(() => {
        this.#journal.putSight(sight);
      });
    }
    this.#sights.set(node, sight);
  }

  /** Reports an error about a node to the operators of its job, in one sentence. */
  warn(order: LiveOrder, text: string, now: number): void {
    const { job, node } = order.record;
    this.turns.turn(() => {
      this.tell({ kind: "note", job, node, level: "error", text: text.slice(0, TEXT_MAX) }, now);
    });
  }

  /**
   * Whether the image of a load is not proven yet: then none of its nodes gets a session or arms.
   */
  isUnproven(job: string): boolean {
    return this.#unproven.has(job);
  }

  /** Lets a load go on: its image is proven, or all its orders that have not armed are over. */
  proofEnded(job: string): void {
    this.#unproven.delete(job);
  }

  /**
   * Lets time pass: ends every wait that is over.
   *
   * @throws What the journal throws, once. As long as it cannot write, no time passes.
   */
  pass(now: number): void {
    const orders = this.open();
    if (this.turns.stalled) {
      // Write an open order again, unchanged: if that fails, a verdict could not be written either.
      const [probe] = orders;
      const write = (): void => {
        if (probe !== undefined) this.#journal.putOrder(probe.record);
      };
      if (!this.turns.tryAgain(write, now)) return;
      const outageMs = now - this.#passedAt;
      for (const order of orders) order.happens({ event: "journalBack", outageMs }, now);
    }
    this.#passedAt = now;
    for (const [job, by] of this.#unkeptAborts) this.abort(job, by, now);
    for (const order of orders) order.pass(now);
  }

  /** @returns When `pass` has something to do: milliseconds since 1970, or Infinity for never. */
  nextDue(): number {
    if (this.turns.stalled) return this.turns.retryAt;
    return Math.min(...this.open().map((order) => order.dueAt));
  }

  /** @returns All orders without a verdict. */
  open(): readonly LiveOrder[] {
    return [...this.#current.values()];
  }

  /** @returns What the loop must do. Each request is given once. */
  takeRequests(): readonly LabRequest[] {
    const taken = this.#requests;
    this.#requests = [];
    return taken;
  }

  /** @returns Ids of the orders that ended since the last call. */
  takeEnded(): readonly string[] {
    const taken = this.#ended;
    this.#ended = [];
    return taken;
  }

  /** Writes an order to the journal. */
  putOrder(record: OrderRecord): void {
    this.#journal.putOrder(record);
  }

  /** Adds an event to the log. */
  tell(draft: EventDraft, now: number): void {
    this.#log.add(draft, now);
  }

  /** Notes the verdict that an order has just got. The last verdict of a job ends the job. */
  concluded(order: LiveOrder, verdict: Verdict, now: number): void {
    const { id, node } = order.record;
    const { job } = order;
    const old = this.#sights.get(node);
    const sight: SightRecord = {
      node,
      lastSeen: old?.lastSeen ?? 0,
      disks: old?.disks ?? [],
      last: { image: job.image, verdict },
      held: heldAfter(job, verdict, heldOf(old)),
    };
    this.#journal.putSight(sight);
    this.#sights.set(node, sight);
    this.#current.delete(node);
    this.#ended.push(id);
    this.turns.onUndo(() => {
      if (old === undefined) this.#sights.delete(node);
      else this.#sights.set(node, old);
      this.#current.set(node, order);
      this.#ended = this.#ended.filter((ended) => ended !== id);
    });
    this.tell({ kind: "verdict", job: job.id, node, verdict }, now);
    this.#endJob(job, now);
    this.wantedChanged();
  }

  /** Asks the loop to tell the boot services that wanted states may have changed. */
  wantedChanged(): void {
    if (!this.#requests.some(({ kind }) => kind === "wanted")) this.ask({ kind: "wanted" });
  }

  /** Adds a request for the loop, which the next `takeRequests` gives. */
  ask(request: LabRequest): void {
    this.#requests.push(request);
    this.turns.onUndo(() => {
      this.#requests = this.#requests.filter((other) => other !== request);
    });
  }

  #keep(job: JobRecord, orders: readonly OrderRecord[], now: number): void {
    // An order looks its job up by id, so the job comes first.
    this.#jobs.set(job.id, { record: job, orders: [] });
    const live = orders.map((record) => new LiveOrder(record, this, now));
    this.#jobs.set(job.id, { record: job, orders: live });
    if (job.terms.action === "load" && orders.some(({ verdict }) => verdict === null)) {
      this.#unproven.add(job.id);
      const { imageId, file } = job.terms;
      this.ask({ kind: "prove", job: job.id, image: job.image, imageId, file });
    }
    for (const order of live) {
      const { id, node, verdict } = order.record;
      this.#orders.set(id, order);
      if (verdict !== null) continue;
      assert(!this.#current.has(node), "a node has one order at a time");
      this.#current.set(node, order);
    }
  }

  /** Memory holds as many jobs as the journal. A job with open orders is never forgotten. */
  #forgetOldest(): void {
    for (const { record, orders } of this.#jobs.values()) {
      if (this.#jobs.size < JOBS_KEPT) return;
      if (orders.some((order) => order.record.verdict === null)) continue;
      this.#jobs.delete(record.id);
      this.#unproven.delete(record.id);
      for (const order of orders) this.#orders.delete(order.record.id);
    }
  }

  #putJob(record: JobRecord): void {
    const old = this.#jobs.get(record.id);
    assert(old !== undefined, "a job that changes is in memory");
    this.#journal.putJob(record);
    this.#jobs.set(record.id, { record, orders: old.orders });
    this.turns.onUndo(() => {
      this.#jobs.set(record.id, old);
    });
  }

  #endJob(job: JobRecord, now: number): void {
    const { record: kept, orders = [] } = this.#jobs.get(job.id) ?? {};
    const verdicts = orders.flatMap(({ record }) => record.verdict ?? []);
    if (verdicts.length < orders.length) return;
    const nodesOk = verdicts.filter(isOk).length;
    const nodesNotOk = verdicts.length - nodesOk;
    const { id, image } = job;
    const aborted = job.state === "aborted";
    if (kept?.state === "running") this.#putJob({ ...job, state: aborted ? "aborted" : "ended" });
    this.tell({ kind: "end", job: id, image, nodesOk, nodesNotOk, aborted }, now);
  }
}

function abortUnkept(job: string, cause: unknown): SituationError {
  const message = `Cannot keep the abort of job "${job}": ${messageOf(cause)}`;
  const cure =
    "Its nodes are told to stop all the same. Make room on the disk that holds server.state; " +
    "if the server restarts before that, abort the job again.";
  return new SituationError("abort_unkept", message, { cure, cause, exitCode: ExitCode.unknown });
}

/** Longest text of an event. Unit: UTF-16 code units. */
const TEXT_MAX = 1000;
