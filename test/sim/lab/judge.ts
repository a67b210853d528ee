/**
 * The promises, judged against the truth: what lies on the disks, what was told to operators, what
 * the journal holds. It knows the servers' records only through the journal and the public API.
 */
import { isDeepStrictEqual } from "node:util";
import { isOk } from "../../../shared/control/verdict.ts";
import type { Event } from "../../../shared/control/event.ts";
import type { LoadOrder } from "../../../shared/control/order.ts";
import type { JobRecord, OrderRecord } from "../../../server/jobs/journal.ts";
import type { SimDisk } from "./disk.ts";
import type { SimImage, SimStore } from "./images.ts";
import type { SimBoot, SimNode } from "./node.ts";
import type { Medium } from "./medium.ts";
import type { FollowedJob } from "./operators.ts";
import { WAIT_BOUNDS } from "./server.ts";
import type { ServerRun } from "./server.ts";
import type { World } from "./world.ts";

/** An order arms at most this often (CONTROL.md section 3). */
const ARMS_MAX = 2;
/** A verdict may come so long after its deadline: two ticks. Unit: milliseconds. */
const SLACK_MS = 2 * 10_000;
/** An aborted job ends within this: a safe point is 120 s away at most, then silence is noticed. */
const ABORT_MS = 120_000 + WAIT_BOUNDS.silenceMs + SLACK_MS;
/** A token must join within this. Unit: milliseconds. */
const TOKEN_JOIN_MS = 600_000;

export interface JudgeParts {
  readonly world: World;
  readonly store: SimStore;
  readonly nodes: () => readonly SimNode[];
  readonly medium: Medium;
  readonly outageMs: () => number;
  /** The wall clock may be set while the server is down: a token that was not used may expire. */
  readonly clockSteps: boolean;
}

export class Judge {
  readonly #world: World;
  readonly #store: SimStore;
  readonly #nodes: () => readonly SimNode[];
  readonly #medium: Medium;
  /** For how long the journal could not be written so far: a deadline may move by as much. */
  readonly #outageMs: () => number;
  readonly #clockSteps: boolean;
  readonly #seqs = new Set<number>();
  /** Order -> boots that closed a gate for it. */
  readonly #closers = new Map<string, Set<string>>();
  /** Order -> what stood on its disk when its verdict was told. */
  readonly #verdicts = new Map<string, Extract<Event, { kind: "verdict" }>>();
  readonly #overdue = new Set<string>();
  /** Aborted job -> true time at which a tick saw it so. */
  readonly #abortSeen = new Map<string, number>();

  constructor(parts: JudgeParts) {
    this.#world = parts.world;
    this.#store = parts.store;
    this.#nodes = parts.nodes;
    this.#medium = parts.medium;
    this.#outageMs = parts.outageMs;
    this.#clockSteps = parts.clockSteps;
  }

  /** A boot is about to make its first write for an order. */
  closes(boot: SimBoot, order: LoadOrder, disk: SimDisk, image: SimImage): void {
    const label = `${boot.label} ${disk.description.serial}`;
    const closers = this.#closers.get(order.id) ?? new Set();
    this.#closers.set(order.id, closers.add(boot.label));
    const record = this.#order(order.id);
    this.#world.note(`${label} closes its gate for ${order.id.slice(-4)}`);
    if (closers.size > ARMS_MAX) this.#breaks("P8", `${label}: armed ${closers.size} times`);
    if ((record?.armed ?? 0) < closers.size) {
      this.#breaks("P8", `${label}: ${closers.size} boots write, ${record?.armed ?? 0} armed`);
    }
    if (image.damaged) this.#breaks("P1", `${label}: image ${image.name} is damaged`);
    if (order.image.id !== image.id) this.#breaks("P1", `${label}: another image`);
  }

  /** The server switches a node off and on. */
  cycles(node: SimNode): void {
    const { boot } = node;
    this.#world.note(`${node.name} is switched`);
    if (boot?.alive !== true || !boot.visiting || boot.order === undefined) return;
    const record = this.#order(boot.order);
    if (record?.verdict === null) {
      this.#breaks("P3", `${boot.label}: switched off while it works on an open order`);
    }
  }

  /** The server does not know a token that it gave. */
  refused(boot: SimBoot, code: string, now: number): void {
    if (code !== "bad_token") return;
    const newest = boot.node.boot === boot && boot.alive;
    const joined = boot.order !== undefined;
    const open = joined && this.#order(boot.order ?? "")?.verdict === null;
    const unused =
      !joined && !this.#clockSteps && now - boot.mintedAt < TOKEN_JOIN_MS && now >= boot.mintedAt;
    if (newest && (open || unused)) this.#breaks("P3", `${boot.label}: its token was forgotten`);
  }

  sessionGiven(imageId: string, proven: boolean): void {
    if (!proven) this.#breaks("P1", `session given for ${imageId.slice(-4)} before its proof`);
  }

  /** An operator reads an event. */
  told(followed: FollowedJob, event: Event): void {
    const { events } = followed;
    if (event.kind !== "progress") this.#world.note(textOf(event));
    if (this.#seqs.has(event.seq)) this.#breaks("P3", `seq ${event.seq} was told twice`);
    this.#seqs.add(event.seq);
    if (events.at(-1)?.kind === "end") this.#breaks("P3", "an event came after the end");
    events.push(event);
    if (event.kind === "verdict") this.#verdictTold(followed, event);
    if (event.kind === "end") this.#endTold(followed, event);
  }

  /** Whenever a run of the server has let time pass. */
  ticked(run: ServerRun, now: number): void {
    const healthyMs = this.#world.now - run.healthySince;
    if (healthyMs < WAIT_BOUNDS.silenceMs + SLACK_MS) return;
    for (const job of this.#medium.jobs()) {
      const ends = now > job.deadlineAt + SLACK_MS + this.#outageMs() ? "its deadline" : undefined;
      const why = ends ?? this.#abortOverdue(job, run);
      if (why === undefined || this.#overdue.has(job.id)) continue;
      const open = this.#ordersOf(job.id).filter(({ verdict }) => verdict === null);
      if (open.length === 0) continue;
      this.#overdue.add(job.id);
      const nodes = open.map(({ node, phase }) => `${node} ${phase}`).join(", ");
      this.#breaks("P3", `job ${job.id.slice(-4)} goes on after ${why}: ${nodes}`);
    }
  }

  /** When everything is over. */
  finish(run: ServerRun | undefined, followed: readonly FollowedJob[]): void {
    if (run === undefined) {
      this.#breaks("P3", "no server runs at the end");
      return;
    }
    const orders = this.#medium.orders();
    for (const job of this.#medium.jobs()) this.#checkJob(job, run);
    for (const order of orders) this.#checkOrder(order);
    for (const one of followed) this.#checkFollowed(one, run);
    this.#checkDisks(orders);
    for (const node of this.#nodes()) {
      const answer = run.answers.get(node.name) ?? "disk";
      const wants = run.lab.wantsReceiver(node.name) ? "receiver" : "disk";
      if (answer !== wants) this.#breaks("P3", `${node.name} is answered ${answer}, not ${wants}`);
      if (wants === "receiver") this.#breaks("P3", `${node.name} still wants the receiver`);
    }
  }

  #verdictTold(followed: FollowedJob, event: Extract<Event, { kind: "verdict" }>): void {
    const order = this.#ordersOf(followed.job).find(({ node }) => node === event.node);
    if (order === undefined) {
      this.#breaks("P3", `a verdict of ${event.node} without an order`);
      return;
    }
    if (this.#verdicts.has(order.id)) this.#breaks("P3", `${event.node} has a second verdict`);
    this.#verdicts.set(order.id, event);
    if (order.verdict === null) this.#breaks("P3", `${event.node}: told before it was durable`);
    this.#checkOk(followed.job, order, event);
  }

  /** ok means that the disk holds exactly the image now (P1). */
  #checkOk(job: string, order: OrderRecord, { verdict, node }: VerdictEvent): void {
    const record = this.#medium.jobs().find(({ id }) => id === job);
    if (!isOk(verdict) || record === undefined) return;
    const { terms } = record;
    if (terms.action === "save") {
      const { captured } = order;
      const images = [...this.#store.images.values()];
      if (!images.some(({ id, name }) => id === captured && name === record.image)) {
        this.#breaks("P1", `${node}: saved well, but image "${record.image}" is not in the store`);
      }
      return;
    }
    const image = [...this.#store.images.values()].find(({ id }) => id === terms.imageId);
    const disks = this.#nodes().find(({ name }) => name === node)?.traits.disks ?? [];
    const told = verdict.code;
    if (image === undefined || disks.some((disk) => disk.holds(image))) return;
    const excused = terms.verify !== "full" && disks.some(({ lies }) => lies);
    if (!excused) this.#breaks("P1", `${node}: ${told}, but its disk does not hold the image`);
  }

  #endTold(followed: FollowedJob, event: Extract<Event, { kind: "end" }>): void {
    const verdicts = followed.events.filter((one) => one.kind === "verdict");
    if (verdicts.length !== followed.nodes.length) {
      this.#breaks("P3", `the end came after ${verdicts.length} verdicts`);
    }
    const ok = verdicts.filter(({ verdict }) => isOk(verdict)).length;
    if (event.nodesOk !== ok || event.nodesOk + event.nodesNotOk !== verdicts.length) {
      this.#breaks("P3", "the end counts other verdicts than were told");
    }
  }

  #abortOverdue(job: JobRecord, run: ServerRun): string | undefined {
    if (job.state !== "aborted") return undefined;
    const since = Math.max(this.#abortSeen.get(job.id) ?? this.#world.now, run.healthySince);
    this.#abortSeen.set(job.id, this.#abortSeen.get(job.id) ?? this.#world.now);
    return this.#world.now - since > ABORT_MS ? "it was aborted" : undefined;
  }

  #checkJob(job: JobRecord, run: ServerRun): void {
    const events = this.#medium.events(job.id);
    const label = `job ${job.id.slice(-4)}`;
    if (run.lab.jobStatus(job.id).state === "running") this.#breaks("P3", `${label} still runs`);
    if (events.at(-1)?.kind !== "end") this.#breaks("P3", `${label} has no end`);
    const ends = events.filter(({ kind }) => kind === "end").length;
    if (ends > 1) this.#breaks("P3", `${label} ended ${ends} times`);
    const orders = this.#ordersOf(job.id);
    for (const { node } of orders) {
      const verdicts = events.filter((one) => one.kind === "verdict" && one.node === node).length;
      if (verdicts !== 1) this.#breaks("P3", `${label}: ${node} has ${verdicts} verdicts`);
    }
  }

  /** Untouched means: by no boot of this order (P15). */
  #checkOrder(order: OrderRecord): void {
    const { verdict, node, id } = order;
    if (verdict === null) return;
    if (verdict.reason === "" && !isOk(verdict)) this.#breaks("P11", `${node}: no reason`);
    const disks = this.#nodes().find(({ name }) => name === node)?.traits.disks ?? [];
    const touched = disks.some((disk) => disk.writers.has(id));
    if (verdict.diskUntouched && touched) {
      this.#breaks("P15", `${node}: ${verdict.code} says untouched, but its disk was written`);
    }
  }

  #checkFollowed(followed: FollowedJob, run: ServerRun): void {
    const label = `job ${followed.job.slice(-4)}`;
    const kept = this.#medium.events(followed.job);
    if (!followed.ended) this.#breaks("P3", `${label}: its operator never heard of its end`);
    const bySeq = new Map(kept.map((event) => [event.seq, event]));
    for (const event of followed.events) {
      if (event.kind === "progress") continue;
      if (!isDeepStrictEqual(bySeq.get(event.seq), event)) {
        this.#breaks("P3", `${label}: seq ${event.seq} was told and taken back`);
      }
    }
    const state = run.lab.jobStatus(followed.job).state;
    if (followed.abortedAt !== undefined && state === "running") {
      this.#breaks("P3", `${label}: its abort was taken back`);
    }
  }

  /** A disk is written for orders of its own node only, by no more than two boots (P8). */
  #checkDisks(orders: readonly OrderRecord[]): void {
    for (const node of this.#nodes()) {
      for (const disk of node.traits.disks) this.#checkDisk(node, disk, orders);
    }
  }

  #checkDisk(node: SimNode, disk: SimDisk, orders: readonly OrderRecord[]): void {
    const label = `${node.name} ${disk.description.serial}`;
    for (const [id, boots] of disk.writers) {
      const order = orders.find((one) => one.id === id);
      if (order?.node !== node.name) this.#breaks("P8", `${label}: written for a stranger`);
      if (boots.size > (order?.armed ?? 0)) this.#breaks("P8", `${label}: written unarmed`);
    }
  }

  #ordersOf(job: string): readonly OrderRecord[] {
    return this.#medium.orders().filter((order) => order.job === job);
  }

  #order(id: string): OrderRecord | undefined {
    return this.#medium.order(id);
  }

  #breaks(promise: string, text: string): void {
    this.#world.breaks(promise, text);
  }
}

type VerdictEvent = Extract<Event, { kind: "verdict" }>;

function textOf(event: Event): string {
  switch (event.kind) {
    case "begin":
      return `  ${event.seq} begin: ${event.action} of ${event.image}, ${event.nodes} nodes`;
    case "phase":
      return `  ${event.seq} ${event.node} ${event.phase} ${event.detail}`;
    case "verdict":
      return `  ${event.seq} ${event.node} verdict ${event.verdict.code}: ${event.verdict.reason}`;
    case "note":
      return `  ${event.seq} ${event.node ?? ""} ${event.level}: ${event.text}`;
    case "end":
      return `  ${event.seq} end: ${event.nodesOk} ok, ${event.nodesNotOk} not`;
    case "progress":
      return "";
  }
}
