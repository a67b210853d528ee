/**
 * A bad network in front of a datagram port: drops a share of the datagrams that arrive, by a seed.
 *
 * Only the demo uses it; the product does not know that it is there.
 */
import type { DatagramPort, OutgoingBatch, PortCounters } from "../../shared/core/datagram-port.ts";
import type { DatagramView, Endpoint } from "../../shared/core/engine.ts";
import type { Random } from "../../shared/core/random.ts";

/** Wraps a port. */
export class LossyPort implements DatagramPort {
  readonly #port: DatagramPort;
  readonly #loss: number;
  readonly #random: Random;

  /**
   * @param port - The real one.
   * @param loss - Share of arriving datagrams to drop, 0 .. 1.
   * @param random - Decides which.
   */
  constructor(port: DatagramPort, loss: number, random: Random) {
    this.#port = port;
    this.#loss = loss;
    this.#random = random;
  }

  get local(): Endpoint {
    return this.#port.local;
  }

  get batch(): OutgoingBatch {
    return this.#port.batch;
  }

  get counters(): PortCounters {
    return this.#port.counters;
  }

  receive(waitMs: number, visit: (view: DatagramView) => void): number | Promise<number> {
    return this.#port.receive(waitMs, (view) => {
      if (this.#random.fraction() >= this.#loss) visit(view);
    });
  }

  send(): number | Promise<number> {
    return this.#port.send();
  }

  join(group: string): void {
    this.#port.join(group);
  }

  close(): void {
    this.#port.close();
  }
}
