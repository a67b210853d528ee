/**
 * The lab: the whole of the server's decisions behind one object, without a socket, a timer or a
 * clock.
 *
 * The one idea: the APIs call it with `now`, the loop calls `tick` and carries out `takeRequests`;
 * so the same code runs under the tests with made-up time. What each step means is told in load.ts
 * and save.ts.
 */
import assert from "node:assert/strict";
import type { KeyObject } from "node:crypto";
import type * as z from "zod";
import type {
  JobCreated,
  JobStatus,
  LoadRequest,
  NodeStatus,
  SaveRequest,
} from "../../shared/control/operator-api.ts";
import type { Principal } from "../../shared/control/principal.ts";
import { SituationError } from "../../shared/core/errors.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { WantedState } from "../../shared/control/wanted-state.ts";
import { EventLog } from "./event-log.ts";
import type { Journal } from "./journal.ts";
import { imageProven } from "./load.ts";
import { NodeDesk } from "./node-desk.ts";
import { planLoad, planSave } from "./plan.ts";
import type { Grounds, LoadImage, Plan } from "./plan.ts";
import { LabState } from "./state.ts";
import type { LabRequest } from "./state.ts";
import type { WaitBounds } from "./order-machine.ts";
import { TokenBook } from "./token.ts";
import type { StreamImage, Transmissions } from "../sessions/transmission.ts";
import { wantedOf } from "./wanted.ts";

/** What a lab is made of. */
export interface LabParts {
  /** Gives the one in force: it may be replaced while the lab runs. */
  readonly inventory: () => Inventory;
  readonly journal: Journal;
  /** Ed25519 private key that signs orders. */
  readonly orderKey: KeyObject;
  readonly bounds: WaitBounds;
  readonly transmissions: Transmissions;
  /** 128 fresh random bits as 32 hexadecimal digits. */
  readonly id128: () => string;
}

/**
 * All decisions of the server. Times are milliseconds since 1970 on a clock that never goes back.
 */
export class Lab {
  readonly #parts: LabParts;
  readonly #state: LabState;
  readonly #tokens: TokenBook;
  /** Where nodes are served. */
  readonly desk: NodeDesk;
  /** Events of all jobs. */
  readonly log: EventLog;

  /**
   * Takes up where the journal ends.
   *
   * @param parts - See {@link LabParts}.
   * @param now - The moment of the start.
   */
  constructor(parts: LabParts, now: number) {
    this.#parts = parts;
    this.log = new EventLog(parts.journal);
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
   * Begins a load.
   *
   * @param request - Parsed.
   * @param image - What the request's name stands for.
   * @param by - Who asked.
   * @param now - The present.
   * @returns The job.
   * @throws {@link SituationError} when refused; nothing was begun.
   */
  beginLoad(
    request: z.output<typeof LoadRequest>,
    image: LoadImage,
    by: Principal,
    now: number,
  ): JobCreated {
    return this.#begin(planLoad(request, image, this.#grounds(by), now), now);
  }

  /**
   * Begins a save.
   *
   * @param request - Parsed.
   * @param taken - True if something in the store has that name.
   * @param by - Who asked.
   * @param now - The present.
   * @returns The job.
   * @throws {@link SituationError} when refused; nothing was begun.
   */
  beginSave(
    request: z.output<typeof SaveRequest>,
    taken: boolean,
    by: Principal,
    now: number,
  ): JobCreated {
    return this.#begin(planSave(request, taken, this.#grounds(by), now), now);
  }

  /**
   * Aborts a job; one that has ended stays as it is.
   *
   * @param id - The job.
   * @param now - The present.
   * @throws {@link SituationError} `no_such_job`.
   */
  abort(id: string, now: number): void {
    this.jobStatus(id);
    this.#state.abort(id, now);
    this.#releaseEnded();
  }

  /**
   * Tells how a job stands.
   *
   * @param id - The job.
   * @returns Its nodes with phases and verdicts.
   * @throws {@link SituationError} `no_such_job`.
   */
  jobStatus(id: string): JobStatus {
    const job = this.#state.jobs.get(id);
    if (job === undefined) {
      throw new SituationError(
        "no_such_job",
        `Cannot find job "${id}": the server has none of this id`,
        {
          cure: "Copy the id from the first line that image-load or image-save printed.",
        },
      );
    }
    const { record, orders } = job;
    return {
      job: record.id,
      action: record.terms.action,
      image: record.image,
      state: record.state,
      createdAt: new Date(record.createdAt).toISOString(),
      principal: record.principal,
      nodes: orders.map(({ record: { node, phase, verdict } }) => ({ node, phase, verdict })),
    };
  }

  /**
   * @returns All nodes as the server last saw them; power and ping are for the caller to fill in.
   */
  nodes(): NodeStatus[] {
    return this.#parts.inventory().nodes.map((node): NodeStatus => {
      const order = this.#state.current(node.name);
      const sight = this.#state.sights.get(node.name);
      const seen = sight?.lastSeen ?? 0;
      return {
        name: node.name,
        macs: [...node.macs],
        reimage: node.reimage,
        power: "unknown",
        phase:
          order?.record.phase ??
          (sight?.last === undefined || sight.last === null ? "waiting" : "done"),
        job: order?.job.id ?? null,
        image: order?.job.image ?? sight?.last?.image ?? null,
        verdict: order === undefined ? (sight?.last?.verdict ?? null) : null,
        lastSeen: seen === 0 ? null : new Date(seen).toISOString(),
        pingMs: null,
        reachable: null,
        disks: [...(sight?.disks ?? [])],
      };
    });
  }

  /**
   * Tells what a node should become; its boot answer follows from it.
   *
   * @param node - Its name.
   * @returns The wanted state.
   */
  wanted(node: string): WantedState {
    return wantedOf(this.#state.current(node));
  }

  /**
   * Tells whether a node shall enter the receiver at its next boot.
   *
   * @param node - Its name.
   * @returns False: it boots its disk.
   */
  wantsReceiver(node: string): boolean {
    return this.wanted(node).kind !== "disk";
  }

  /**
   * Mints a token for a node that an operator starts by hand.
   *
   * @param name - The node.
   * @param now - The present.
   * @returns Token and the MAC it is bound to: the node's first.
   * @throws {@link SituationError} `unknown_node`.
   */
  mintFor(name: string, now: number): { readonly mac: string; readonly token: string } {
    const [mac = ""] = this.#parts.inventory().named(name).macs;
    const minted = this.desk.mintToken(mac, now);
    assert(minted !== undefined, "a MAC of the inventory is known to it");
    return { mac, token: minted.token };
  }

  /**
   * Tells an operator how an attempt to start a node went.
   *
   * @param orderId - Its order.
   * @param level - How bad.
   * @param text - What was done, or why not.
   * @param now - The present.
   */
  noteEnter(orderId: string, level: "info" | "error", text: string, now: number): void {
    this.#state.orders.get(orderId)?.happens({ event: "entered", level, text }, now);
  }

  /**
   * Refuses to take an image away from nodes that are to get it.
   *
   * @param image - Its name.
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
   * Tells whether a node shall still be started: one that has spoken meanwhile must not be.
   *
   * @param orderId - Its order.
   * @returns False when the order is over, or its node is on its way.
   */
  wantsEnter(orderId: string): boolean {
    return !this.isOver(orderId) && this.#state.orders.get(orderId)?.record.state === "waiting";
  }

  /**
   * Tells whether nothing shall begin any longer for an order.
   *
   * @param orderId - The order.
   * @returns True when it has its verdict, or its job was aborted; it stays so.
   */
  isOver(orderId: string): boolean {
    const order = this.#state.orders.get(orderId);
    return order?.record.verdict !== null || order.job.state !== "running";
  }

  /**
   * Tells whether anybody still waits for the proof of a load's image.
   *
   * @param job - The load.
   * @returns False when it was aborted or all its nodes have their verdicts; it stays so.
   */
  wantsProof(job: string): boolean {
    const orders = this.#state.jobs.get(job)?.orders ?? [];
    return orders.some(({ record }) => !this.isOver(record.id));
  }

  /**
   * Takes the outcome of the proof of a load's image.
   *
   * @param job - The load.
   * @param fault - What is wrong with the image; undefined when it is whole, or when nobody waits
   *   for the proof any longer: no node of such a job is given a session or may arm.
   * @param now - The present.
   * @throws What the journal throws; the job counts as unproven then.
   */
  noteProof(job: string, fault: string | undefined, now: number): void {
    imageProven(this.#state, job, fault, now);
    this.#releaseEnded();
  }

  /**
   * Tells the operators of running loads that their stream failed.
   *
   * @param image - Which.
   * @param reason - Why.
   * @param now - The present.
   */
  noteStreamFailed(image: StreamImage, reason: string, now: number): void {
    for (const order of this.#state.open()) {
      const { job } = order;
      const { terms } = job;
      if (terms.action !== "load" || job.image !== image.name) continue;
      if (terms.file === image.file) this.#state.warn(order, `the sender ended: ${reason}`, now);
    }
  }

  /**
   * Lets time pass.
   *
   * @param now - The present.
   * @throws {@link SituationError} `journal_unwritable`, once; time stands still as long as it
   *   cannot write.
   */
  tick(now: number): void {
    this.#endStrangers(now);
    this.#state.pass(now);
    if (!this.#state.turns.stalled) {
      this.#state.turns.keeping(() => {
        this.#tokens.sweep(now);
      });
    }
    this.#releaseEnded();
  }

  /** @returns When `tick` has something to do at the latest. */
  nextWakeup(): number {
    return this.#state.nextDue();
  }

  /** @returns What the loop must do; each request is given once. */
  takeRequests(): readonly LabRequest[] {
    return this.#state.takeRequests();
  }

  /**
   * Looks at the nodes that were taken out of huck.yaml: they can neither be started nor join.
   *
   * @param now - The present.
   * @returns Names of nodes whose orders ended, and of those that are at work on their disks: their
   *   orders are kept, for a disk that is half written is no safer than one that is finished.
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
    const strangers = this.#state
      .open()
      .filter(({ record }) => record.armed === 0 && !inventory.has(record.node));
    for (const order of strangers) {
      order.happens({ event: "removed" }, now);
    }
    return strangers.map(({ record }) => record.node);
  }

  #begin(plan: Plan, now: number): JobCreated {
    const after = this.#state.begin(plan.job, plan.orders, now);
    return { job: plan.job.id, nodes: plan.orders.map(({ node }) => node), after };
  }

  #releaseEnded(): void {
    for (const id of this.#state.takeEnded()) this.#parts.transmissions.leave(id);
  }

  #grounds(principal: Principal): Grounds {
    const { inventory, id128 } = this.#parts;
    return { inventory: inventory(), state: this.#state, principal, id128 };
  }
}
