/** Senders and receptions of the simulation: a session is heard chunk by chunk, or not at all. */
import type { VerdictCode } from "../../../shared/control/verdict.ts";
import { SituationError } from "../../../shared/core/errors.ts";
import type {
  ProbeResult,
  ReceptionOutcome,
  ReceptionStart,
  LoadReception,
} from "../../../receiver/link/load-reception.ts";
import type { SenderHandle, SendRequest } from "../../../server/sessions/sessions.ts";
import { recordOf } from "./disk-work.ts";
import type { SimStore } from "./images.ts";
import type { Deferred, World } from "./world.ts";

/** A session on the network. */
interface SimSession {
  readonly request: SendRequest;
  state: "sends" | "ended" | "vanished";
  expected: number;
  /** Members that have reached it. */
  members: number;
  /** It has gathered long enough, or all that it expects: chunks are sent. */
  streams: boolean;
}

/** All sessions: what is multicast on the lab's network. */
export class Multicast {
  readonly #world: World;
  readonly #store: SimStore;
  readonly #faults: number;
  readonly #sessions = new Map<string, SimSession>();

  constructor(world: World, store: SimStore, faults: number) {
    this.#world = world;
    this.#store = store;
    this.#faults = faults;
  }

  session(sid: string): SimSession | undefined {
    return this.#sessions.get(sid);
  }

  /**
   * Whether chunks of an image flow: by a session that streams, or to those whose session is
   * gone.
   */
  flows(image: string): boolean {
    const sessions = [...this.#sessions.values()].filter(
      ({ request }) => request.image.name === image,
    );
    return sessions.some(({ state, streams }) => streams || state === "vanished");
  }

  /** Starts a sender for one run of the server. */
  async start(request: SendRequest): Promise<SenderHandle> {
    const world = this.#world;
    await world.sleep(world.between(5, 300));
    if (world.chance(this.#faults)) {
      throw new SituationError("no_sender", "Cannot start the sender: no thread", { cure: "" });
    }
    const image = this.#store.named(request.image.name);
    const session: SimSession = {
      request,
      state: "sends",
      expected: request.members,
      members: 0,
      streams: false,
    };
    world.after(request.gatherMs, () => {
      session.expected = 1;
      gather(session);
    });
    this.#sessions.set(request.session, session);
    const ended = world.deferred<string | undefined>();
    const ending = world.deferred<undefined>();
    const end = (state: "ended" | "vanished", fault?: string): void => {
      if (session.state !== "sends") return;
      session.state = state;
      ended.resolve(fault);
    };
    if (world.chance(this.#faults)) {
      world.after(world.between(100, 20_000), () => {
        end("ended", "the thread broke");
      });
    }
    return {
      sender: { address: "10.0.0.1", port: 4078 },
      chunkCount: image.chunkCount,
      ending: ending.promise,
      ended: ended.promise,
      expect: (members) => {
        session.expected = Math.min(session.expected, members);
        gather(session);
      },
      stop: () => {
        end("ended");
      },
      vanish: () => {
        end("vanished");
      },
    };
  }

  /** The server died: all its senders stop without a word. */
  vanishAll(): void {
    for (const session of this.#sessions.values()) {
      if (session.state === "sends") session.state = "vanished";
    }
  }
}

/** What a reception needs of the boot it is part of. */
export interface Listener {
  readonly world: World;
  readonly multicast: Multicast;
  readonly store: SimStore;
  /** It hears nothing of what is multicast. */
  readonly deaf: boolean;
  /** Longest time between two chunks. Unit: milliseconds. */
  readonly chunkMs: number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** As session-listener.io.ts, with chunks that come one after the other in virtual time. */
export class SimReception implements LoadReception {
  readonly reached: Promise<ProbeResult>;
  readonly due: Promise<"chunk" | "over">;
  readonly ended: Promise<ReceptionOutcome>;
  readonly #start: ReceptionStart;
  readonly #listener: Listener;
  readonly #reached: Deferred<ProbeResult>;
  readonly #due: Deferred<"chunk" | "over">;
  readonly #released: Deferred<undefined>;
  readonly #ended: Deferred<ReceptionOutcome>;
  #stopped: string | undefined;

  constructor(start: ReceptionStart, listener: Listener) {
    this.#start = start;
    this.#listener = listener;
    const { world } = listener;
    this.#reached = world.deferred();
    this.#due = world.deferred();
    this.#released = world.deferred();
    this.#ended = world.deferred();
    this.reached = this.#reached.promise;
    this.due = this.#due.promise;
    this.ended = this.#ended.promise;
    this.ended.catch(() => undefined); // the story may have ended before it looks
    this.ended.then(
      () => {
        this.#due.resolve("over");
      },
      () => undefined,
    );
    this.#listen().then(this.#ended.resolve, this.#ended.reject);
  }

  release(): void {
    this.#released.resolve(undefined);
  }

  stop(reason: string): void {
    this.#stopped ??= reason;
    this.#reached.resolve("over");
    this.#released.resolve(undefined);
    this.#ended.resolve(failure("aborted", reason));
  }

  async #listen(): Promise<ReceptionOutcome> {
    const { world, deaf, sleep } = this.#listener;
    await sleep(world.between(50, 900));
    const state = this.#state();
    if (state === "ended") {
      this.#reached.resolve("over");
      return failure("sender_lost", "the session ended");
    }
    if (deaf || state !== "sends") {
      await sleep(10_000);
      this.#reached.resolve("nothing");
      return failure("sender_lost", "nothing was heard");
    }
    this.#reached.resolve("all");
    await this.#gathered();
    if (this.#state() === "ended") return failure("sender_lost", "the session ended");
    this.#due.resolve("chunk");
    await this.#released.promise;
    return await this.#take();
  }

  /** A session that begins late is waited for; one that is gone leaves the chunks to be fetched. */
  async #gathered(): Promise<void> {
    const { sleep } = this.#listener;
    const session = this.#session();
    if (session === undefined) return;
    session.members += 1;
    gather(session);
    while (session.state === "sends" && !session.streams && this.#stopped === undefined) {
      await sleep(POLL_MS);
    }
    if (this.#stopped !== undefined) session.members -= 1;
  }

  async #take(): Promise<ReceptionOutcome> {
    let done = 0;
    for (const { start, end } of this.#start.lacking) {
      for (let chunk = start; chunk < end; chunk += 1) {
        if (this.#stopped !== undefined) return failure("aborted", this.#stopped);
        await this.#takeChunk(chunk);
        done += 1;
        this.#start.progress(done, 0);
      }
    }
    return { ok: true };
  }

  /** By multicast while the session lives, and again when it came damaged; else by unicast. */
  async #takeChunk(chunk: number): Promise<void> {
    const { world, chunkMs, sleep, store } = this.#listener;
    const image = store.images.get(this.#session()?.request.image.name ?? "");
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      await sleep(world.between(20, chunkMs));
      if (this.#stopped !== undefined) return;
      if (this.#state() !== "sends" || image === undefined) break;
      const record = recordOf(image, chunk, world.chance(0.02));
      if ((await this.#start.deliver(chunk, record)) === "ok") return;
    }
    await sleep(world.between(100, 5000));
    if (this.#stopped === undefined) await this.#start.fetch(chunk);
  }

  #session(): SimSession | undefined {
    return this.#listener.multicast.session(this.#start.terms.session);
  }

  #state(): SimSession["state"] {
    return this.#session()?.state ?? "vanished";
  }
}

function gather(session: SimSession): void {
  if (session.members > 0 && session.members >= session.expected) session.streams = true;
}

function failure(code: VerdictCode, reason: string): ReceptionOutcome {
  return { ok: false, code, reason, cure: "Load the node again." };
}

/** A session that gathers is looked at so often. Unit: milliseconds. */
const POLL_MS = 250;
/** A record that came damaged comes again; so often in a row it does not. */
const TRIES_MAX = 20;
