/**
 * Networks in memory. Engines that share an arena exchange datagrams with those on the same
 * segment, without loss or delay, and time jumps from one wake-up to the next.
 */
import assert from "node:assert/strict";
import type { Arena } from "../../shared/core/arena.ts";
import type { Endpoint, Engine, TransmitBatch } from "../../shared/core/engine.ts";

/** Receives a datagram that lies in the arena. */
type Ear = (offset: number, length: number, from: Endpoint) => void;

interface Stop {
  step(now: number): void;
  readonly ended: boolean;
  readonly wakeup: number;
}

/** Most datagrams that an engine may send at once. */
const BATCH_MAX = 64;
const DATAGRAM_BYTES = 2048;
const STEPS_MAX = 1_000_000;

/** Multicast networks, called segments, and the engines on them. */
export class MemoryWire {
  readonly #arena: Arena;
  readonly #group: Endpoint;
  readonly #ears = new Map<Endpoint, { segment: string; hear: Ear }>();
  readonly #stops: Stop[] = [];
  #now = 0;

  constructor(arena: Arena, group: Endpoint) {
    this.#arena = arena;
    this.#group = group;
  }

  /**
   * Puts an engine on a segment. `serve` carries out a request of the engine. If it returns
   * undefined, it is called again at the next step.
   */
  attach<Request, Result, Event extends { readonly kind: string }>(
    segment: string,
    address: Endpoint,
    engine: Engine<Request, Result, Event>,
    serve: (request: Request) => Result | undefined,
  ): void {
    const region = this.#arena.region(BATCH_MAX * DATAGRAM_BYTES);
    let open: Request[] = [];
    let ended = false;
    const hear: Ear = (offset, length, remote) => {
      engine.receive({ offset, length, remote, dropped: 0 }, this.#now);
    };
    this.#ears.set(address, { segment, hear });
    this.#stops.push({
      step: (now) => {
        engine.tick(now);
        open = [...open, ...engine.requests()].filter((request) => {
          const result = serve(request);
          if (result !== undefined) engine.complete(result, now);
          return result === undefined;
        });
        this.#send(address, region, (batch) => engine.transmit(batch, now));
        ended ||= engine.events().some(({ kind }) => kind === "ended");
      },
      get ended() {
        return ended;
      },
      get wakeup() {
        return engine.nextWakeup();
      },
    });
  }

  /** Runs until every engine has ended. */
  run(): void {
    for (let steps = 0; this.#stops.some(({ ended }) => !ended); steps += 1) {
      assert(steps < STEPS_MAX, `no end after ${STEPS_MAX} steps at ${this.#now} ms`);
      const alive = this.#stops.filter(({ ended }) => !ended);
      for (const stop of alive) stop.step(this.#now);
      const next = Math.min(...alive.map(({ wakeup }) => wakeup));
      this.#now = Math.max(this.#now + 0.1, Math.min(next, this.#now + 10));
    }
  }

  #send(from: Endpoint, region: number, transmit: (batch: TransmitBatch) => number): void {
    const sent: { readonly offset: number; readonly length: number; readonly to: Endpoint }[] = [];
    transmit({
      add: (length, to) => {
        if (sent.length === BATCH_MAX) return -1;
        const offset = region + sent.length * DATAGRAM_BYTES;
        sent.push({ offset, length, to });
        return offset;
      },
    });
    for (const { offset, length, to } of sent) {
      const here = this.#ears.get(from)?.segment;
      for (const [address, { segment, hear }] of this.#ears) {
        if (address === from || segment !== here) continue;
        if ([this.#group.address, address.address].includes(to.address)) hear(offset, length, from);
      }
    }
  }
}
