/**
 * The lab: all decisions of the server behind one object, without a socket, a timer or a clock.
 *
 * The APIs call it with the present time; the loop (lab-loop.io.ts) calls `tick` and carries out
 * what `takeRequests` gives. So tests run the same code on simulated time. The steps of a job are
 * explained in load.ts and save.ts.
 */
import assert from "node:assert/strict";
import type { KeyObject } from "node:crypto";
import type * as z from "zod";
import type {
  JobCreated,
  JobEntry,
  JobStatus,
  LoadRequest,
  NodeStatus,
  SaveRequest,
} from "../../shared/control/operator-api.ts";
import type { Principal } from "../../shared/control/principal.ts";
import { SituationError } from "../../shared/core/errors.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { WantedState } from "../../shared/control/wanted-state.ts";
import { isOk } from "../../shared/control/verdict.ts";
import type { Event } from "../../shared/control/event.ts";
import { EventLog } from "./event-log.ts";
import { heldDuring, heldOf } from "./held-image.ts";
import type { JobRecord, Journal } from "./journal.ts";
import { imageProven, willJoin } from "./load.ts";
import { NodeDesk } from "./node-desk.ts";
import { planLoad, planSave } from "./plan.ts";
import type { PlanParts, LoadImage, Plan } from "./plan.ts";
import { LabState } from "./lab-state.ts";
import type { LabRequest } from "./lab-state.ts";
import type { LiveOrder, WaitBounds } from "./order-machine.ts";
import { TokenBook } from "./token.ts";
import type { SessionImage, Sessions } from "../sessions/sessions.ts";
import { wantedOf } from "./wanted.ts";

export interface LabParts {
  /** Gives the inventory in force: it may be replaced while the lab runs. */
  readonly inventory: () => Inventory;
  readonly journal: Journal;
  /** Ed25519 private key that signs orders. */
  readonly orderKey: KeyObject;
  readonly bounds: WaitBounds;
  readonly sessions: Sessions;
  /** 128 fresh random bits as 32 hexadecimal digits. */
  readonly id128: () => string;
  /** Called for every event of every job, once it is durable; must not throw. */
  readonly told?: (event: Event) => void;
}

/**
 * All decisions of the server. `now` is always milliseconds since 1970, on a clock that never goes
 * back.
 */
export class Lab {
  readonly #parts: LabParts;
  readonly #state: LabState;
  readonly #tokens: TokenBook;
  /** Serves the node API. */
  readonly desk: NodeDesk;
  readonly log: EventLog;

  /** Restores what the journal remembers; orders that were running go on. */
  constructor(parts: LabParts, now: number) {
    this.#parts = parts;
    this.log = new EventLog(parts.journal, parts.told);
    const remembered = parts.journal.remembered();
    const { journal, bounds } = parts;
    this.#state = new LabState({ journal, log: this.log, bounds }, remembered, now);
    this.#tokens = new TokenBook(journal, remembered.tokens, ({ node, nonce }) => {
      return nonce !== null && this.#state.current(node)?.record.nonce === nonce;
    });
    this.desk = new NodeDesk(parts, this.#state, this.#tokens);
    this.inventoryChanged(now);
  }

  /**
   * Begins a load of `image`, which is what the request's name stands for now.
   *
   * @throws {@link SituationError} if it is refused; then nothing has begun.
   */
  beginLoad(
    request: z.output<typeof LoadRequest>,
    image: LoadImage,
    by: Principal,
    now: number,
  ): JobCreated {
    return this.#begin(planLoad(request, image, this.#planParts(by), now), now);
  }

  /**
   * Begins a save.
   *
   * @param taken - True if something in the store already has the name.
   * @throws {@link SituationError} if it is refused; then nothing has begun.
   */
  beginSave(
    request: z.output<typeof SaveRequest>,
    taken: boolean,
    by: Principal,
    now: number,
  ): JobCreated {
    return this.#begin(planSave(request, taken, this.#planParts(by), now), now);
  }

  /**
   * Aborts a job.
   *
   * @param id - May be its first digits.
   * @throws {@link SituationError} `no_such_job`, `job_ambiguous`, `job_over`.
   */
  abort(id: string, now: number, by: Principal = { kind: "unknown" }): void {
    const job = this.jobId(id);
    if (this.jobIsOver(job)) throw jobOver(job);
    this.#state.abort(job, by, now);
    this.#releaseEnded();
  }

  /**
   * @param id - Of a job that there is.
   * @returns Whether all its nodes have their verdicts.
   */
  jobIsOver(id: string): boolean {
    const job = this.#state.jobs.get(id);
    return job?.orders.every((order) => order.record.verdict !== null) ?? true;
  }

  /** Gives all jobs that are remembered, the newest first. */
  jobs(): JobEntry[] {
    return [...this.#state.jobs.values()].reverse().map(({ record, orders }) => {
      const verdicts = orders.flatMap((order) => order.record.verdict ?? []);
      const nodesOk = verdicts.filter(isOk).length;
      return {
        ...namedJob(record),
        nodes: orders.length,
        nodesOk,
        nodesNotOk: verdicts.length - nodesOk,
      };
    });
  }

  /**
   * Finds the job that an id, or its first digits, stand for.
   *
   * @throws {@link SituationError} `no_such_job`, `job_ambiguous`.
   */
  jobId(start: string): string {
    const found = [...this.#state.jobs.keys()].filter((id) => id.startsWith(start));
    const [id] = found;
    if (id !== undefined && found.length === 1) return id;
    const cure = "`huck job list` prints all jobs.";
    if (id === undefined) {
      const message = `Cannot find job "${start}": the server has none of this id`;
      throw new SituationError("no_such_job", message, { cure });
    }
    const message = `Cannot tell which job "${start}" is: ${found.length} ids begin with it`;
    throw new SituationError("job_ambiguous", message, { cure: "Give more digits." });
  }

  /**
   * Gives the state of a job, and the phase and verdict of each of its nodes.
   *
   * @param id - May be its first digits.
   * @throws {@link SituationError} `no_such_job`, `job_ambiguous`.
   */
  jobStatus(id: string): JobStatus {
    const job = this.#state.jobs.get(this.jobId(id));
    assert(job !== undefined, "a job that was found is remembered");
    return { ...namedJob(job.record), nodes: job.orders.map(nodeOfJob) };
  }

  /**
   * Gives all nodes as the server last heard of them. The caller fills in power and ping, which are
   * "unknown" and null here.
   */
  nodes(): NodeStatus[] {
    return this.#parts.inventory().nodes.map((node): NodeStatus => {
      const order = this.#state.current(node.name);
      const sight = this.#state.sights.get(node.name);
      const seen = sight?.lastSeen ?? 0;
      const before = heldOf(sight);
      const held = order === undefined ? before : heldDuring(order.job, order.record, before);
      return {
        name: node.name,
        macs: [...node.macs],
        reimage: node.reimage,
        power: "unknown",
        powerReason: "",
        powerFailed: false,
        phase:
          order?.record.phase ??
          (sight?.last === undefined || sight.last === null ? "waiting" : "done"),
        job: order?.job.id ?? null,
        image: held?.image ?? null,
        incomplete: held?.incomplete ?? false,
        verdict: order === undefined ? (sight?.last?.verdict ?? null) : null,
        lastSeen: seen === 0 ? null : new Date(seen).toISOString(),
        pingMs: null,
        reachable: null,
        disks: [...(sight?.disks ?? [])],
      };
    });
  }

  /** Says what a node should become; its boot answer follows from that. */
  wanted(node: string): WantedState {
    return wantedOf(this.#state.current(node));
  }

  /** Whether a node shall enter the receiver at its next boot; if not, it boots its disk. */
  wantsReceiver(node: string): boolean {
    return this.wanted(node).kind !== "disk";
  }

  /**
   * Mints a token for a node that an operator starts by hand.
   *
   * @returns The token and the MAC it is bound to: the node's first.
   * @throws {@link SituationError} `unknown_node`.
   */
  mintFor(name: string, now: number): { readonly mac: string; readonly token: string } {
    const [mac = ""] = this.#parts.inventory().named(name).macs;
    const minted = this.desk.mintToken(mac, now);
    assert(minted !== undefined, "a MAC of the inventory is known to it");
    return { mac, token: minted.token };
  }

  /** Tells the operator, in the events of the job, how the attempt to start a node went. */
  noteEnter(orderId: string, level: "info" | "error", text: string, now: number): void {
    this.#state.orders.get(orderId)?.happens({ event: "entered", level, text }, now);
  }

  /**
   * Refuses to remove an image while a load of it runs.
   *
   * @throws {@link SituationError} `image_in_use`.
   */
  refuseTrash(image: string): void {
    const user = this.#state
      .open()
      .find(({ job }) => job.terms.action === "load" && job.image === image);
    if (user === undefined) return;
    throw new SituationError(
      "image_in_use",
      `Cannot trash image "${image}": job ${user.job.id} loads it`,
      { cure: "Wait for that job, or end it with `huck job abort`." },
    );
  }

  /**
   * Whether the node of an order shall still be started. False if the order is over or its node has
   * already been heard of.
   */
  wantsEnter(orderId: string): boolean {
    return !this.isOver(orderId) && this.#state.orders.get(orderId)?.record.state === "waiting";
  }

  /**
   * Whether an order is over, so that nothing shall begin for it any more: it has its verdict, or
   * its job was aborted. Once true, it stays true.
   */
  isOver(orderId: string): boolean {
    const order = this.#state.orders.get(orderId);
    return order?.record.verdict !== null || order.job.state !== "running";
  }

  /**
   * Whether a load still waits for the proof of its image. False if the job was aborted or all its
   * nodes have their verdicts; once false, it stays false.
   */
  wantsProof(job: string): boolean {
    const orders = this.#state.jobs.get(job)?.orders ?? [];
    return orders.some(({ record }) => !this.isOver(record.id));
  }

  /**
   * Takes the outcome of the proof of a load's image.
   *
   * @param fault - What is wrong with the image. Undefined if it is whole, and also if the load no
   *   longer waits for the proof: no node of such a job gets a session or may arm.
   * @throws What the journal throws; the load then counts as not yet proven.
   */
  noteProof(job: string, fault: string | undefined, now: number): void {
    imageProven(this.#state, job, fault, now);
    this.#releaseEnded();
  }

  /** Tells the operators of all running loads of this image that its sender failed, and why. */
  noteSenderFailed(image: SessionImage, reason: string, now: number): void {
    for (const order of this.#state.open()) {
      const { job } = order;
      const { terms } = job;
      if (terms.action !== "load" || job.image !== image.name) continue;
      if (terms.file === image.file) this.#state.warn(order, `the sender ended: ${reason}`, now);
    }
  }

  /**
   * Lets time pass: ends the waits that are over.
   *
   * @throws {@link SituationError} `journal_unwritable`, once. As long as the journal cannot write,
   *   no time passes for the orders.
   */
  tick(now: number): void {
    const open = this.#state.open();
    this.#parts.sessions.expect((image) => open.filter((order) => willJoin(order, image)).length);
    this.#endStrangers(now);
    this.#state.pass(now);
    if (!this.#state.turns.stalled) {
      this.#state.turns.keeping(() => {
        this.#tokens.sweep(now);
      });
    }
    this.#releaseEnded();
  }

  /** Why the journal cannot write now; undefined while it can. */
  get journalFault(): SituationError | undefined {
    return this.#state.turns.fault;
  }

  /** @returns The latest time at which `tick` must be called again. */
  nextWakeup(): number {
    return this.#state.nextDue();
  }

  /** @returns What the loop must do. Each request is given once. */
  takeRequests(): readonly LabRequest[] {
    return this.#state.takeRequests();
  }

  /**
   * Looks for orders of nodes that were taken out of huck.yaml: such a node can neither be started
   * nor join. The order ends if it has not armed. If it has, it goes on, because a half-written
   * disk is no safer than a finished one.
   *
   * @returns Names of the nodes whose orders ended, and of those whose orders go on.
   */
  inventoryChanged(now: number): { readonly ended: string[]; readonly kept: string[] } {
    const ended = this.#endStrangers(now);
    this.#releaseEnded();
    const { inventory } = this.#parts;
    const kept = this.#state.open().filter(({ record }) => !inventory().has(record.node));
    return { ended, kept: kept.map(({ record }) => record.node) };
  }

  #endStrangers(now: number): string[] {
    const inventory = this.#parts.inventory();
    const strangers = this.#state.open().filter(({ record }) => !inventory.has(record.node));
    for (const order of strangers) order.happens({ event: "removed" }, now);
    const ended = strangers.filter(({ record }) => record.verdict !== null);
    return ended.map(({ record }) => record.node);
  }

  #begin(plan: Plan, now: number): JobCreated {
    const after = this.#state.begin(plan.job, plan.orders, now);
    return { job: plan.job.id, nodes: plan.orders.map(({ node }) => node), after };
  }

  #releaseEnded(): void {
    for (const id of this.#state.takeEnded()) this.#parts.sessions.leave(id);
  }

  #planParts(principal: Principal): PlanParts {
    const { inventory, id128 } = this.#parts;
    return { inventory: inventory(), state: this.#state, principal, id128 };
  }
}

/** What is said of a job wherever it is shown. */
function namedJob({ id, terms, image, state, createdAt, principal }: JobRecord): JobHead {
  const { action } = terms;
  return { job: id, action, image, state, createdAt: new Date(createdAt).toISOString(), principal };
}

type JobHead = Pick<JobStatus, "job" | "action" | "image" | "state" | "createdAt" | "principal">;

function nodeOfJob({ record, dueAt }: LiveOrder): JobStatus["nodes"][number] {
  const { node, phase, verdict } = record;
  if (verdict !== null) return { node, phase, verdict };
  return { node, phase, verdict, waitsUntil: new Date(dueAt).toISOString() };
}

function jobOver(id: string): SituationError {
  return new SituationError("job_over", `Cannot abort job ${id}: all its nodes have ended`, {
    cure: `\`huck job show ${id}\` tells how.`,
  });
}
