/**
 * Goal: the loop gives an engine its datagrams, time and results, and nothing stops it but the
 * engine's end. Method: an engine that counts to ten, on a port without a network.
 */
import { describe, expect, test } from "vitest";
import type { DatagramPort } from "../../../../shared/core/datagram-port.ts";
import type { Engine } from "../../../../shared/core/engine.ts";
import {
  type Abort,
  type LoopParts,
  runEngine,
} from "../../../../shared/session/engine-loop.io.ts";

type Request = { readonly number: number };
type Result = { readonly kind: "counted"; readonly number: number };
type Event =
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "ended"; readonly reason: string };

const LAST = 10;

/** Asks for number after number; each answer is an event. */
class Counter implements Engine<Request, Result | Abort, Event> {
  #asked = 0;
  #counted = 0;
  readonly #events: Event[] = [];
  received = 0;

  receive(): void {
    this.received += 1;
  }

  complete(result: Result | Abort): void {
    if (result.kind === "abort") {
      this.#events.push({ kind: "ended", reason: result.reason });
      return;
    }
    this.#counted = result.number;
    this.#events.push({ kind: "number", number: result.number });
    if (result.number === LAST) this.#events.push({ kind: "ended", reason: "" });
  }

  tick(): void {
    // time changes nothing here
  }

  transmit(): number {
    return 1;
  }

  requests(): readonly Request[] {
    if (this.#asked > this.#counted) return [];
    this.#asked += 1;
    return [{ number: this.#asked }];
  }

  nextWakeup(): number {
    return 0;
  }

  events(): readonly Event[] {
    return this.#events.splice(0);
  }
}

function port(counts: { sent: number; waits: number[] }): DatagramPort {
  const remote = { address: "127.0.0.1", port: 1 };
  return {
    local: remote,
    batch: { count: 0, add: () => -1 },
    counters: { received: 0, sent: 0, dropped: 0, refused: 0 },
    receive(waitMs, visit) {
      counts.waits.push(waitMs);
      visit({ offset: 0, length: 1, remote, dropped: 0 });
      return 1;
    },
    send() {
      counts.sent += 1;
      return 1;
    },
    join: () => undefined,
    close: () => undefined,
  };
}

type Begin = LoopParts<Request, Result, Event>["begin"];

async function count(
  begin: Begin,
  stopReason: () => string | undefined = () => undefined,
): Promise<{ end: Event; engine: Counter; numbers: number[]; counts: { sent: number } }> {
  const engine = new Counter();
  const counts = { sent: 0, waits: [] };
  const numbers: number[] = [];
  const onEvent = (event: Event): void => {
    if (event.kind === "number") numbers.push(event.number);
  };
  const watcher = { stopReason, onEvent };
  const end = await runEngine({ engine, port: port(counts), watcher, begin });
  return { end, engine, numbers, counts };
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const counted = (number: number): Result => ({ kind: "counted", number });

describe("runEngine()", () => {
  test("carries datagrams and results until the engine has ended", async () => {
    const run = await count(({ number }) => Promise.resolve(counted(number)));
    expect(run.end).toEqual({ kind: "ended", reason: "" });
    expect(run.numbers).toEqual(upTo(LAST));
    expect(run.engine.received).toBeGreaterThan(0);
    expect(run.counts.sent).toBe(run.engine.received);
  });

  test("lets the event loop turn while work is open", async () => {
    const later = (number: number): Promise<Result> =>
      new Promise((resolve) => setTimeout(resolve, 1, counted(number)));
    expect((await count(({ number }) => later(number))).numbers).toEqual(upTo(LAST));
  });

  test("aborts the engine when work fails, at once or later, or at a stop", async () => {
    const failing: Begin[] = [
      () => {
        throw new Error("at once");
      },
      () => Promise.reject(new Error("later")),
    ];
    for (const [index, reason] of ["at once", "later"].entries()) {
      expect((await count(failing[index] as Begin)).end).toEqual({ kind: "ended", reason });
    }
    const never: Begin = () => new Promise(() => undefined);
    expect((await count(never, () => "enough")).end).toEqual({ kind: "ended", reason: "enough" });
  });
});
