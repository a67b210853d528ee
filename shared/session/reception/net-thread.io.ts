/**
 * The work of a receiver's net thread: opens the port, makes the engine, runs the loop to its end.
 *
 * All input is data and all output is messages. The function that opens a port is an argument, so
 * that a rehearsal can put a bad network in between.
 */
import { Arena } from "../../core/arena.ts";
import type { DatagramPort } from "../../core/datagram-port.ts";
import type { Endpoint } from "../../core/engine.ts";
import { HuckError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { createFecKernel } from "../../fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../fec/wasm-kernel.ts";
import { anyAddress } from "../../linux/datagram-options.ts";
import { SYMBOL_BYTES_MAX } from "../../wire/announce.ts";
import { createTagger } from "../../wire/tag.ts";
import { BlockRepairer, repairScratchBytes } from "./block-repair.ts";
import type {
  ReceptionMessage,
  ReceptionWorkerData,
  SinkReply,
  SinkRequest,
} from "./reception-thread.io.ts";
import { createReception } from "./engine.ts";
import { runReception } from "./reception-loop.io.ts";
import type { ChunkSink, SinkAnswer } from "./reception-loop.io.ts";

/** What a port is opened with. */
export interface PortOptions {
  readonly arena: Arena;
  readonly bind: Endpoint;
  readonly shared: true;
  readonly interfaceName?: string;
}

/** The part of a MessagePort that a net thread uses. */
export interface SinkPort {
  on(event: "message", listener: (reply: SinkReply) => void): unknown;
  postMessage(request: SinkRequest): void;
  close(): void;
}

/** What a net thread uses of the outside world. */
export interface NetThreadPorts {
  /** Opens a port. If it is the plain twin, `because` says why. */
  open(wish: PortOptions): Promise<{ readonly port: DatagramPort; readonly because?: string }>;
  /** Takes the thread's messages, in order. */
  tell(message: ReceptionMessage): void;
}

/**
 * Runs one reception to its end.
 *
 * @throws {@link HuckError} if the port cannot be opened or the socket breaks.
 */
export async function runNetThread(
  data: ReceptionWorkerData,
  world: NetThreadPorts,
): Promise<void> {
  const { order, memory, stop } = data;
  const { group, interfaceName } = order;
  const arena = new Arena(memory);
  const sink = new PortSink(data.sink);
  const named = interfaceName === undefined ? {} : { interfaceName };
  const bind = { address: anyAddress(group.address), port: group.port };
  const { port, because } = await world.open({ arena, bind, shared: true, ...named });
  try {
    port.join(group.address);
    world.tell({ kind: "open", ...(because === undefined ? {} : { because }) });
    const kernel = createFecKernel(memory, { scratch: arena.region(FEC_SCRATCH_BYTES) });
    const scratch = arena.region(repairScratchBytes(SYMBOL_BYTES_MAX));
    const reception = createReception({
      ...order.session,
      arena,
      tagger: createTagger(memory, order.key),
      random: seededRandom(order.seed),
    });
    await runReception({
      reception,
      port,
      arena,
      repairer: new BlockRepairer(arena, kernel, scratch),
      sink,
      stopReason: () => (Atomics.load(stop, 0) === 0 ? undefined : "stopped by the operator"),
      onEvent: (event) => {
        world.tell({ kind: "event", event });
      },
      onProgress: () => {
        world.tell({ kind: "stats", stats: reception.stats() });
      },
    });
    world.tell({ kind: "stats", stats: reception.stats() });
  } finally {
    port.close();
    sink.close();
  }
}

/** Passes work to another thread and matches the replies to it. */
class PortSink implements ChunkSink {
  readonly #port: SinkPort;
  /** At most one call per chunk is open: a chunk is delivered or fetched, never both at once. */
  readonly #open = new Map<number, PromiseWithResolvers<SinkAnswer | "failed">>();

  constructor(port: SinkPort) {
    this.#port = port;
    port.on("message", (reply) => {
      const call = this.#open.get(reply.chunk);
      this.#open.delete(reply.chunk);
      if (reply.kind === "failed") call?.reject(new HuckError("sink_failed", reply.reason));
      else call?.resolve(reply.answer);
    });
  }

  async deliver(chunk: number, record: Uint8Array): Promise<SinkAnswer> {
    const { byteOffset: offset, byteLength: length } = record;
    const answer = await this.#ask({ kind: "deliver", chunk, offset, length });
    return answer === "ok" ? "ok" : "bad";
  }

  async fetch(chunk: number): Promise<"ok" | "failed"> {
    const answer = await this.#ask({ kind: "fetch", chunk });
    return answer === "ok" ? "ok" : "failed";
  }

  close(): void {
    this.#port.close();
  }

  #ask(request: SinkRequest): Promise<SinkAnswer | "failed"> {
    const call = Promise.withResolvers<SinkAnswer | "failed">();
    this.#open.set(request.chunk, call);
    this.#port.postMessage(request);
    return call.promise;
  }
}
