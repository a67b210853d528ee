/**
 * Where every node stands: jobs, their orders, what each node is waited for, and what it should
 * become.
 *
 * The one idea: an order is the unit of truth. It has one phase, at most one verdict and one wait
 * with a deadline, so nothing waits for ever (promise P3); wanted states and ends of jobs follow
 * from orders. Changes are durable before anybody hears of them. The stories are in load.ts and
 * save.ts; this file holds the moves they share.
 */
import assert from "node:assert/strict";
import type { Phase, Verdict } from "../../shared/control/verdict.ts";
import { isOk } from "../../shared/control/verdict.ts";
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { StatusReport } from "../../shared/control/node-api.ts";
import { ORDER_ARMS_MAX } from "../../shared/control/wanted-state.ts";
import type { WantedState } from "../../shared/control/wanted-state.ts";
import type { EventLog } from "./event-log.ts";
import { JOBS_KEPT } from "./journal.ts";
import type { Journal, JobRecord, OrderRecord, Remembered, SightRecord } from "./journal.ts";
import type { Finding, LiveOrder, Wait } from "./live-order.ts";

/** Bounds of the waits. Unit: milliseconds. */
export interface WaitBounds {
  /** From the start of a node to its join. */
  readonly bootMs: number;
  /** Without a word from a node at work. */
  readonly silenceMs: number;
  /** For a silent node to come back, if its order may still arm. */
  readonly returnMs: number;
}

/** What may become of an order. */
export type OrderChanges = Partial<
  Pick<OrderRecord, "phase" | "armed" | "armedBy" | "captured" | "nonce" | "verdict">
>;

/** What the loop must do outside. */
export type LabRequest =
  /** Bring the node into the receiver. */
  | { readonly kind: "enter"; readonly node: string; readonly order: string }
  /** Prove every stored byte of a load's image; the answer is `Lab.noteProof`. */
  | {
      readonly kind: "prove";
      readonly job: string;
      readonly image: string;
      readonly imageId: string;
    }
  /** The wanted state of some node changed: tell the boot services. */
  | { readonly kind: "wanted" };

/** What the state stands on. */
export interface StateParts {
  readonly journal: Journal;
  /** Over the same journal. */
  readonly log: EventLog;
  readonly bounds: WaitBounds;
}

/** All jobs and orders. */
export class LabState {
  readonly journal: Journal;
  readonly log: EventLog;
  readonly bounds: WaitBounds;
  readonly jobs = new Map<
    string,
    { readonly record: JobRecord; readonly orders: readonly LiveOrder[] }
  >();
  readonly orders = new Map<string, LiveOrder>();
  readonly sights = new Map<string, SightRecord>();
  /** Loads whose image is not proven yet: no node of theirs is given a session or may arm. */
  readonly unproven = new Set<string>();
  /** The order that a node is busy with. */
  readonly #current = new Map<string, LiveOrder>();
  #requests: LabRequest[] = [];
  #ended: string[] = [];

  /**
   * Takes up where the journal ends. Nodes that had joined get time to speak again; others are
   * started again.
   *
   * @param parts - Journal, log over it, bounds.
   * @param remembered - What the journal held.
   * @param now - Milliseconds since 1970.
   */
  constructor(parts: StateParts, remembered: Remembered, now: number) {
    this.journal = parts.journal;
    this.log = parts.log;
    this.bounds = parts.bounds;
    for (const sight of remembered.sights) this.sights.set(sight.node, sight);
    for (const job of remembered.jobs) {
      this.#keep(
        job,
        remembered.orders.filter((order) => order.job === job.id),
        now,
      );
    }
    for (const order of this.#current.values()) {
      if (order.record.phase === "waiting")
        this.#ask({ kind: "enter", node: order.record.node, order: order.record.id });
    }
  }

  /**
   * Begins a job: durable first, then its nodes are started.
   *
   * @param job - Running.
   * @param orders - One for each of its nodes; none of them is busy.
   * @param now - Milliseconds since 1970.
   * @returns Sequence number before the job's first event.
   */
  begin(job: JobRecord, orders: readonly OrderRecord[], now: number): number {
    let after = 0;
    this.log.together(() => {
      after = this.journal.nextSeq();
      this.journal.putJob(job);
      for (const order of orders) this.journal.putOrder(order);
      const { id, image, principal } = job;
      const { action } = job.terms;
      const nodes = orders.length;
      this.log.add({ kind: "begin", job: id, action, image, nodes, principal }, now);
    });
    this.#forgetOldest();
    this.#keep(job, orders, now);
    for (const order of orders) {
      this.#ask({ kind: "enter", node: order.node, order: order.id });
    }
    this.#ask({ kind: "wanted" });
    return after;
  }

  /**
   * Gives the order that a node is busy with.
   *
   * @param node - Its name.
   * @returns Undefined when it has nothing to do.
   */
  current(node: string): LiveOrder | undefined {
    return this.#current.get(node);
  }

  /**
   * Tells what a node should become. An order that armed twice is spent: its node is not brought
   * back.
   *
   * @param node - Its name.
   * @returns The wanted state.
   */
  wanted(node: string): WantedState {
    const order = this.#current.get(node);
    if (order === undefined) return { kind: "disk" };
    const { record, job } = order;
    if (job.state !== "running" || record.armed >= ORDER_ARMS_MAX) return { kind: "disk" };
    return { kind: job.terms.action, order: record.id };
  }

  /**
   * Notes that a node was heard, with its disks if it told them.
   *
   * @param node - Its name.
   * @param now - Milliseconds since 1970.
   * @param disks - From a join.
   */
  sighted(node: string, now: number, disks?: readonly DiskDescription[]): void {
    const old = this.sights.get(node);
    const sight: SightRecord = {
      node,
      lastSeen: now,
      disks: disks ?? old?.disks ?? [],
      last: old?.last ?? null,
    };
    if (disks !== undefined) this.journal.putSight(sight);
    this.sights.set(node, sight);
  }

  /**
   * Changes an order: in the journal first, so that what could not be kept was not done either.
   *
   * @param order - Any.
   * @param changes - What is new in its record.
   * @param also - Further writes and events that are durable with it, or not at all.
   */
  change(order: LiveOrder, changes: OrderChanges, also: () => void = () => undefined): void {
    this.log.together(() => {
      this.journal.putOrder({ ...order.record, ...changes });
      also();
    });
    Object.assign(order.record, changes);
  }

  /**
   * Moves an order to a phase.
   *
   * @param order - Without a verdict.
   * @param phase - Where its node is.
   * @param detail - One sentence more, or "".
   * @param now - Milliseconds since 1970.
   */
  enterPhase(order: LiveOrder, phase: Phase, detail: string, now: number): void {
    const { record } = order;
    if (record.verdict !== null || (record.phase === phase && detail === "")) return;
    this.change(order, { phase }, () => {
      this.log.add({ kind: "phase", job: record.job, node: record.node, phase, detail }, now);
    });
  }

  /**
   * Tells of progress, at most twice a second for a node.
   *
   * @param order - Without a verdict.
   * @param report - What its node said.
   * @param now - Milliseconds since 1970.
   */
  progress(order: LiveOrder, report: StatusReport, now: number): void {
    if (report.totalBytes === 0 || now - order.progressAt < PROGRESS_EVERY_MS) return;
    order.progressAt = now;
    const { doneBytes, totalBytes, bytesPerSecond, loss } = report;
    const { job, node } = order.record;
    this.log.add({ kind: "progress", job, node, doneBytes, totalBytes, bytesPerSecond, loss }, now);
  }

  /**
   * Sets what a node is waited for next; never later than the job's deadline.
   *
   * @param order - Without a verdict.
   * @param what - See {@link Wait}.
   * @param now - Milliseconds since 1970.
   */
  waitFor(order: LiveOrder, what: Wait["for"], now: number): void {
    const bound = {
      join: this.bounds.bootMs,
      status: this.bounds.silenceMs,
      return: this.bounds.returnMs,
    };
    order.wait = { for: what, until: Math.min(now + bound[what], order.deadlineAt) };
  }

  /**
   * Tells an operator something about a node.
   *
   * @param order - About which.
   * @param level - How bad.
   * @param text - One sentence.
   * @param now - Milliseconds since 1970.
   */
  note(order: LiveOrder, level: "info" | "warning" | "error", text: string, now: number): void {
    const { job, node } = order.record;
    this.log.add({ kind: "note", job, node, level, text: text.slice(0, TEXT_MAX) }, now);
  }

  /**
   * Ends an order. The last verdict of a job ends the job. A second verdict changes nothing.
   *
   * @param order - Any.
   * @param verdict - How its node ended.
   * @param now - Milliseconds since 1970.
   */
  conclude(order: LiveOrder, verdict: Verdict, now: number): void {
    const { record, job } = order;
    if (record.verdict !== null) return;
    const old = this.sights.get(record.node);
    const sight: SightRecord = {
      node: record.node,
      lastSeen: old?.lastSeen ?? 0,
      disks: old?.disks ?? [],
      last: { image: job.image, verdict },
    };
    const verdicts = this.#verdictsWith(order, verdict);
    const jobState = job.state === "running" && !verdicts.includes(null) ? "ended" : job.state;
    this.change(order, { verdict, phase: "done" }, () => {
      this.journal.putSight(sight);
      this.log.add({ kind: "verdict", job: job.id, node: record.node, verdict }, now);
      if (!verdicts.includes(null)) this.#endJob({ ...job, state: jobState }, verdicts, now);
    });
    job.state = jobState;
    this.#current.delete(record.node);
    this.#ended.push(record.id);
    this.sights.set(record.node, sight);
    this.#ask({ kind: "wanted" });
  }

  /**
   * Ends an order with something the server found itself.
   *
   * @param order - Any.
   * @param finding - Code, reason, cure.
   * @param now - Milliseconds since 1970.
   */
  find(order: LiveOrder, finding: Finding, now: number): void {
    const { record, job } = order;
    const touched = record.armed > 0;
    const verdict: Verdict = {
      ...finding,
      reason: finding.reason.slice(0, TEXT_MAX),
      phase: record.phase,
      diskUntouched: !touched,
      incomplete: touched && job.terms.action === "load",
      bytesWritten: 0,
      at: new Date(now).toISOString(),
    };
    this.conclude(order, verdict, now);
  }

  /** Lets the boot services know that wanted states may have changed. */
  wantedChanged(): void {
    this.#ask({ kind: "wanted" });
  }

  /** @returns All orders without a verdict. */
  open(): readonly LiveOrder[] {
    return [...this.#current.values()];
  }

  /** @returns What the loop must do; each request is given once. */
  takeRequests(): readonly LabRequest[] {
    const taken = this.#requests;
    this.#requests = [];
    return taken;
  }

  /** @returns Ids of orders that ended since the last call. */
  takeEnded(): readonly string[] {
    const taken = this.#ended;
    this.#ended = [];
    return taken;
  }

  #keep(job: JobRecord, orders: readonly OrderRecord[], now: number): void {
    const live = orders.map((record): LiveOrder => {
      const wait: Wait = { for: "join", until: job.deadlineAt };
      return { record, job, wait, deadlineAt: job.deadlineAt, progressAt: 0, heldTold: false };
    });
    if (job.terms.action === "load" && orders.some(({ verdict }) => verdict === null)) {
      this.unproven.add(job.id);
      const { imageId } = job.terms;
      this.#ask({ kind: "prove", job: job.id, image: job.image, imageId });
    }
    this.jobs.set(job.id, { record: job, orders: live });
    for (const order of live) {
      this.orders.set(order.record.id, order);
      if (order.record.verdict !== null) continue;
      assert(!this.#current.has(order.record.node), "a node has one order at a time");
      this.#current.set(order.record.node, order);
      this.waitFor(order, order.record.nonce === null ? "join" : "status", now);
    }
  }

  /** Memory holds as many jobs as the journal; a running one is never the oldest of so many. */
  #forgetOldest(): void {
    for (const { record, orders } of this.jobs.values()) {
      if (this.jobs.size < JOBS_KEPT) return;
      if (orders.some((order) => order.record.verdict === null)) continue;
      this.jobs.delete(record.id);
      for (const order of orders) this.orders.delete(order.record.id);
    }
  }

  /** Verdicts of all orders of a job, one of them being about to change. */
  #verdictsWith(changing: LiveOrder, verdict: Verdict): readonly (Verdict | null)[] {
    const orders = this.jobs.get(changing.job.id)?.orders ?? [];
    return orders.map((order) => (order === changing ? verdict : order.record.verdict));
  }

  #endJob(job: JobRecord, verdicts: readonly (Verdict | null)[], now: number): void {
    const nodesOk = verdicts.filter((verdict) => verdict !== null && isOk(verdict)).length;
    const nodesNotOk = verdicts.length - nodesOk;
    const { id, image } = job;
    this.journal.putJob(job);
    const aborted = job.state === "aborted";
    this.log.add({ kind: "end", job: id, image, nodesOk, nodesNotOk, aborted }, now);
  }

  #ask(request: LabRequest): void {
    if (request.kind === "wanted" && this.#requests.some(({ kind }) => kind === "wanted")) return;
    this.#requests.push(request);
  }
}

/** At most two a second per node (CONTROL.md section 6). */
const PROGRESS_EVERY_MS = 500;
/** Longest text of an event. */
const TEXT_MAX = 1000;
