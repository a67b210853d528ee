/**
 * Operators of the simulation: they begin loads and saves, abort, ask for what is refused, and
 * follow their jobs. What they were told is kept, because it must stay true.
 */
import type { Event } from "../../../shared/control/event.ts";
import { LoadRequest, SaveRequest } from "../../../shared/control/operator-api.ts";
import type { JobCreated } from "../../../shared/control/operator-api.ts";
import { HuckError } from "../../../shared/core/errors.ts";
import type { SimServer, ServerRun } from "./server.ts";
import type { World } from "./world.ts";

const OPERATOR = { kind: "local", uid: 0, name: "root" } as const;

/** A job as its operator knows it. */
export interface FollowedJob {
  readonly job: string;
  readonly nodes: readonly string[];
  readonly events: Event[];
  seq: number;
  ended: boolean;
  /** True time at which an abort was answered. Unit: milliseconds. */
  abortedAt: number | undefined;
}

export class Operators {
  readonly followed: FollowedJob[] = [];
  /** Requests that were not answered yet, or will still be made. */
  pending = 0;
  readonly #world: World;
  readonly #server: SimServer;
  readonly #told: (followed: FollowedJob, event: Event) => void;

  constructor(
    world: World,
    server: SimServer,
    told: (followed: FollowedJob, event: Event) => void,
  ) {
    this.#world = world;
    this.#server = server;
    this.#told = told;
  }

  load(image: string, nodes: readonly string[], more: object): void {
    this.#begin(`load ${image} on ${nodes.join(" ")}`, (run, now) =>
      run.lab.beginLoad(
        LoadRequest.parse({ image, nodes, ...more }),
        run.store.facts(image),
        OPERATOR,
        now,
      ),
    );
  }

  save(node: string, name: string, more: object): void {
    this.#begin(`save ${node} as ${name}`, (run, now) =>
      run.lab.beginSave(
        SaveRequest.parse({ node, name, ...more }),
        run.store.images.has(name),
        OPERATOR,
        now,
      ),
    );
  }

  abort(followed: FollowedJob): void {
    this.#ask(`abort ${followed.job.slice(-4)}`, (run, now) => {
      run.lab.abort(followed.job, now);
      followed.abortedAt ??= this.#world.now;
    });
  }

  /** The operators' programs find the server again: they ask for what came after. */
  reconnect(run: ServerRun): void {
    for (const followed of this.followed) this.#follow(run, followed);
  }

  #begin(what: string, ask: (run: ServerRun, now: number) => JobCreated): void {
    this.#ask(what, (run, now) => {
      const { job, nodes, after } = ask(run, now);
      this.#world.note(`job ${job.slice(-4)} begins`);
      const followed: FollowedJob = {
        job,
        nodes,
        events: [],
        seq: after,
        ended: false,
        abortedAt: undefined,
      };
      this.followed.push(followed);
      this.#follow(run, followed);
    });
  }

  /** Asks a server that answers; one that died in between may have done it or not. */
  #ask(what: string, work: (run: ServerRun, now: number) => void, tries = 0): void {
    const { run } = this.#server;
    if (run === undefined) {
      if (tries === 0) this.pending += 1;
      this.#world.after(5000, () => {
        this.pending -= tries > 20 ? 1 : 0;
        if (tries <= 20) this.#ask(what, work, tries + 1);
      });
      return;
    }
    if (tries > 0) this.pending -= 1;
    this.#world.note(`operator: ${what}`);
    try {
      work(run, run.now());
    } catch (thrown) {
      if (thrown instanceof HuckError) this.#world.note(`operator: ${thrown.code}`);
      else this.#world.thrown("operator", thrown);
    }
    run.heed();
  }

  /** As event-stream.ts gives them: what is kept, then what happens. */
  #follow(run: ServerRun, followed: FollowedJob): void {
    if (followed.ended) return;
    const { log } = run.lab;
    for (const event of log.after(followed.job, followed.seq, 10_000)) this.#hear(followed, event);
    log.listen(followed.job, (event) => {
      if (run.alive) this.#hear(followed, event);
    });
  }

  #hear(followed: FollowedJob, event: Event): void {
    if (event.seq <= followed.seq) return;
    followed.seq = event.seq;
    followed.ended ||= event.kind === "end";
    this.#told(followed, event);
  }
}
