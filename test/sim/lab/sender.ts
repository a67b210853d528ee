/** Senders and receptions of the simulation: a stream is heard chunk by chunk, or not at all. */
import type { VerdictCode } from "../../../shared/control/verdict.ts";
import { SituationError } from "../../../shared/core/errors.ts";
import type {
  Reach,
  ReceptionOutcome,
  ReceptionStart,
  StoryReception,
} from "../../../receiver/load.ts";
import type { SenderHandle, StreamRequest } from "../../../server/sessions/transmission.ts";
import { recordOf } from "./disk-work.ts";
import type { SimStore } from "./images.ts";
import type { World } from "./world.ts";

/** A stream on the network. */
interface Stream {
  readonly request: StreamRequest;
  state: "sends" | "ended" | "vanished";
}

/** All streams: what is multicast on the lab's network. */
export class Multicast {
  readonly #world: World;
  readonly #store: SimStore;
  readonly #faults: number;
  readonly #streams = new Map<string, Stream>();

  constructor(world: World, store: SimStore, faults: number) {
    this.#world = world;
    this.#store = store;
    this.#faults = faults;
  }

  stream(session: string): Stream | undefined {
    return this.#streams.get(session);
  }

  /** Starts a sender for one run of the server. */
  async start(request: StreamRequest): Promise<SenderHandle> {
    const world = this.#world;
    await world.sleep(world.between(5, 300));
    if (world.chance(this.#faults)) {
      throw new SituationError("no_sender", "Cannot start the sender: no thread", { cure: "" });
    }
    const image = this.#store.named(request.image);
    const stream: Stream = { request, state: "sends" };
    this.#streams.set(request.session, stream);
    const ended = world.deferred<string | undefined>();
    const ending = world.deferred<undefined>();
    const end = (state: "ended" | "vanished", fault?: string): void => {
      if (stream.state !== "sends") return;
      stream.state = state;
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
      stop: () => {
        end("ended");
      },
      vanish: () => {
        end("vanished");
      },
    };
  }

  /** The server died: all its streams stop without a word. */
  vanishAll(): void {
    for (const stream of this.#streams.values()) {
      if (stream.state === "sends") stream.state = "vanished";
    }
  }
}

/** What a reception needs of the boot it is part of. */
export interface Listener {
  readonly world: World;
  /** It hears nothing of what is multicast. */
  readonly deaf: boolean;
  sleep(ms: number): Promise<void>;
}

export function receive(
  start: ReceptionStart,
  multicast: Multicast,
  store: SimStore,
  listener: Listener,
): StoryReception {
  const { world } = listener;
  const reached = world.deferred<Reach>();
  const released = world.deferred<undefined>();
  const ended = world.deferred<ReceptionOutcome>();
  const lost = (reason: string): ReceptionOutcome => failure("sender_lost", reason);
  let stopped: string | undefined;
  ended.promise.catch(() => undefined); // the story may have ended before it looks

  const listen = async (): Promise<ReceptionOutcome> => {
    const stream = multicast.stream(start.terms.session);
    await listener.sleep(world.between(50, 900));
    if (stream?.state === "ended") {
      reached.resolve("over");
      return lost("the session ended");
    }
    if (listener.deaf || stream?.state !== "sends") {
      await listener.sleep(10_000);
      reached.resolve("nothing");
      return lost("nothing heard");
    }
    reached.resolve("all");
    await released.promise;
    const image = store.named(stream.request.image);
    let done = 0;
    for (const range of start.lacking) {
      for (let chunk = range.start; chunk < range.end; chunk += 1) {
        for (let tries = 0; ; tries += 1) {
          if (stopped !== undefined) return failure("aborted", stopped);
          await listener.sleep(world.between(20, 2500));
          if (multicast.stream(start.terms.session)?.state !== "sends") {
            await listener.sleep(world.between(100, 5000));
            await start.fetch(chunk);
            break;
          }
          const record = recordOf(image, chunk, world.chance(0.02));
          if ((await start.deliver(chunk, record)) === "ok") break;
          if (tries > 20) return failure("image_damaged", "it never came whole");
        }
        done += 1;
        start.progress(done, 0);
      }
    }
    return { ok: true };
  };
  listen().then(ended.resolve, ended.reject);
  return {
    reached: reached.promise,
    ended: ended.promise,
    release: () => {
      released.resolve(undefined);
    },
    stop: (reason) => {
      stopped ??= reason;
      reached.resolve("over");
      released.resolve(undefined);
      ended.resolve(failure("aborted", reason));
    },
  };
}

function failure(code: VerdictCode, reason: string): ReceptionOutcome {
  return { ok: false, code, reason, cure: "Load the node again." };
}
