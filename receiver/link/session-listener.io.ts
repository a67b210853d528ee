/**
 * Receives a session for a load: starts the net thread, holds deliveries back until released, and
 * turns its ending into an outcome.
 *
 * A first datagram of full length proves, before the disk is touched, that the whole session can
 * arrive by multicast. Chunks that arrive in the meantime wait in the ring.
 */
import { randomInt } from "node:crypto";
import { MessageChannel } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { VerdictCode } from "../../shared/control/verdict.ts";
import { arenaMemory } from "../../shared/core/arena.ts";
import { fromHex } from "../../shared/core/digest.ts";
import { messageOf } from "../../shared/core/errors.ts";
import type { ReceptionEvent, ReceptionFailure } from "../../shared/session/reception/contract.ts";
import { SESSION_OVERHEAD_BYTES } from "../../shared/session/engine-loop.io.ts";
import { startReception } from "../../shared/session/reception/reception-thread.io.ts";
import type {
  ReceptionMessage,
  RunningReception,
  SinkReply,
  SinkRequest,
} from "../../shared/session/reception/reception-thread.io.ts";
import type {
  LoadReception,
  ProbeResult,
  ReceptionOutcome,
  ReceptionStart,
} from "./load-reception.ts";

/**
 * The sender announces itself at least every 500 ms, and sends probes when a member is new: losing
 * 20 in a row is not bad luck. Unit: milliseconds.
 */
const REACHED_WITHIN_MS = 10_000;

/** What the host of a reception provides. */
export interface ReceptionHost {
  /** Size of the ring of lanes. Unit: bytes. */
  readonly ringBytes: number;
  /** Interface for multicast, by kernel name. */
  readonly interfaceName: string | undefined;
  /** Entry of the net thread: see {@link startReception}. */
  readonly netThread: URL;
  /** Called with text that an operator should read. */
  note(text: string): void;
}

export function listenToSession(start: ReceptionStart, host: ReceptionHost): LoadReception {
  return new SessionListener(start, host);
}

class SessionListener implements LoadReception {
  readonly reached: Promise<ProbeResult>;
  readonly due: Promise<"chunk" | "over">;
  readonly ended: Promise<ReceptionOutcome>;
  readonly #start: ReceptionStart;
  readonly #host: ReceptionHost;
  readonly #memory: WebAssembly.Memory;
  readonly #sink: MessagePort;
  readonly #thread: RunningReception;
  readonly #reached = Promise.withResolvers<ProbeResult>();
  readonly #due = Promise.withResolvers<"chunk" | "over">();
  #announced = false;
  readonly #ended = Promise.withResolvers<ReceptionOutcome>();
  readonly #released = Promise.withResolvers<undefined>();
  readonly #timer: NodeJS.Timeout;
  #stopReason: string | undefined;
  #diskFailure: Error | undefined;

  constructor(start: ReceptionStart, host: ReceptionHost) {
    this.#start = start;
    this.#host = host;
    this.reached = this.#reached.promise;
    this.due = this.#due.promise;
    this.ended = this.#ended.promise;
    this.ended.catch(() => undefined); // the load may have ended before it reads this
    this.#memory = arenaMemory(host.ringBytes + SESSION_OVERHEAD_BYTES);
    const { port1, port2 } = new MessageChannel();
    this.#sink = port1;
    port1.on("message", (request: SinkRequest) => {
      void this.#serve(request);
    });
    this.#thread = this.#startThread(port2);
    this.#timer = setTimeout(() => {
      this.#reached.resolve(this.#announced ? "short only" : "nothing");
    }, REACHED_WITHIN_MS);
    void this.#thread.gone.then(() => {
      this.#end({ ok: false, ...fault("the net thread ended without a result") });
    });
  }

  release(): void {
    this.#released.resolve(undefined);
  }

  stop(reason: string): void {
    this.#stopReason ??= reason;
    this.#reached.resolve("over");
    this.#due.resolve("over");
    this.#thread.stop();
  }

  #startThread(sink: MessagePort): RunningReception {
    const { terms, image, lacking } = this.#start;
    const { interfaceName, ringBytes, netThread } = this.#host;
    const session = {
      node: terms.member,
      sid: BigInt(`0x${terms.session}`),
      sender: terms.sender,
      ringBytes,
      recordLengths: image.recordLengths,
      wanted: lacking,
      canFetch: true,
      inOrder: false,
    };
    const order = {
      session,
      key: fromHex(terms.key, 16),
      seed: randomInt(2 ** 32),
      group: { address: terms.group, port: terms.port },
      ...(interfaceName === undefined ? {} : { interfaceName }),
    };
    const take = (message: ReceptionMessage): void => {
      this.#take(message);
    };
    return startReception(netThread, { order, memory: this.#memory, sink }, take);
  }

  async #serve(request: SinkRequest): Promise<void> {
    this.#due.resolve("chunk");
    await this.#released.promise;
    this.#sink.postMessage(await this.#answer(request));
  }

  async #answer(request: SinkRequest): Promise<SinkReply> {
    const { chunk } = request;
    const reason = this.#stopReason;
    if (reason !== undefined) return { kind: "failed", chunk, reason };
    try {
      if (request.kind === "fetch") {
        return { kind: "fetched", chunk, answer: await this.#start.fetch(chunk) };
      }
      const record = new Uint8Array(this.#memory.buffer, request.offset, request.length);
      return { kind: "delivered", chunk, answer: await this.#start.deliver(chunk, record) };
    } catch (error) {
      // A write that the stop has broken off is no fault of the disk.
      if (this.#stopReason === undefined) this.#diskFailure ??= asError(error);
      return { kind: "failed", chunk, reason: messageOf(error) };
    }
  }

  #take(message: ReceptionMessage): void {
    switch (message.kind) {
      case "open":
        if (message.because !== undefined) this.#host.note(`plain sockets: ${message.because}`);
        break;
      case "stats":
        this.#start.progress(message.stats.chunksDone, message.stats.loss);
        break;
      case "failed":
        this.#end({ ok: false, ...fault(message.message) });
        break;
      case "event":
        this.#onEvent(message.event);
        break;
    }
  }

  #onEvent(event: ReceptionEvent): void {
    if (event.kind === "session") this.#announced = true;
    if (event.kind === "reached") this.#reached.resolve("all");
    if (event.kind === "silent") {
      this.#host.note(`nothing heard from the sender for ${Math.round(event.forMs / 1000)} s`);
    }
    if (event.kind === "bad chunk") this.#host.note(`chunk ${event.chunk} came damaged`);
    if (event.kind !== "ended") return;
    if (event.outcome === "complete") {
      this.#end({ ok: true });
      return;
    }
    const reason = event.code === "aborted" ? (this.#stopReason ?? event.reason) : event.reason;
    this.#end({ ok: false, ...FAILURES[event.code], reason });
  }

  #end(outcome: ReceptionOutcome): void {
    clearTimeout(this.#timer);
    this.#reached.resolve("over");
    this.#due.resolve("over");
    this.#sink.close();
    if (this.#diskFailure === undefined) this.#ended.resolve(outcome);
    else this.#ended.reject(this.#diskFailure);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

interface Cause {
  readonly code: VerdictCode;
  readonly cure: string;
}

const LOST: Cause = {
  code: "sender_lost",
  cure: "Check huck serve and the multicast of the network, then run the same command again.",
};
const ABORTED: Cause = { code: "aborted", cure: "Run the same command again when you are ready." };

const FAILURES: Readonly<Record<ReceptionFailure, Cause>> = {
  no_session: LOST,
  sender_lost: LOST,
  session_ended: LOST,
  session_aborted: {
    code: "sender_lost",
    cure: "Look at the job's events and the server's log, then run the same command again.",
  },
  deadline: LOST,
  fetch_failed: { ...LOST, code: "server_unreachable" },
  bad_content: {
    code: "image_damaged",
    cure: 'Run "huck image verify" on the server, then run the same command again.',
  },
  ring_too_small: {
    code: "memory_too_small",
    cure: "The node needs more memory: 512 MB are enough.",
  },
  aborted: ABORTED,
};

function fault(reason: string): Cause & { readonly reason: string } {
  return { code: "receiver_fault", reason, cure: "Look at the node's console; report this bug." };
}
