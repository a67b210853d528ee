/**
 * Looks at nodes for `huck status`: asks their drivers for power and sends ICMP echo requests. It
 * changes nothing.
 *
 * All nodes are asked at the same time, up to {@link LANES} at once, so dead nodes delay the answer
 * by one time bound for each 64 of them and not by one bound each.
 */
import type { NodeStatus } from "../../shared/control/operator-api.ts";
import type { PowerReading } from "../power/power-driver.ts";

export interface NodeProberParts {
  /**
   * Sends one echo request; gives the round trip in milliseconds, or undefined without an answer.
   * Undefined if this server may not ping.
   */
  readonly ping: ((address: string, timeoutMs: number) => Promise<number | undefined>) | undefined;
  /** Address of a node, if one is known. */
  readonly addressOf: (node: string) => string | undefined;
  /** Power of a node, as far as its driver can tell within the time. */
  readonly powerOf: (node: string, timeoutMs: number) => Promise<PowerReading>;
}

export class NodeProber {
  readonly #parts: NodeProberParts;

  constructor(parts: NodeProberParts) {
    this.#parts = parts;
  }

  /** Fills in power and ping of the lab's nodes. Gives the same nodes in the same order. */
  async probe(nodes: readonly NodeStatus[]): Promise<NodeStatus[]> {
    const probed: NodeStatus[] = [...nodes];
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let index = next++; index < nodes.length; index = next++) {
        const node = nodes[index];
        if (node !== undefined) probed[index] = await this.#look(node);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return probed;
  }

  async #look(node: NodeStatus): Promise<NodeStatus> {
    const { ping, addressOf, powerOf } = this.#parts;
    const address = addressOf(node.name);
    const [reading, roundTrip] = await Promise.all([
      powerOf(node.name, POWER_WAIT_MS),
      address === undefined ? undefined : ping?.(address, PING_WAIT_MS),
    ]);
    return {
      ...node,
      power: reading.power,
      powerReason: reading.reason.slice(0, REASON_MAX),
      powerFailed: reading.failed,
      pingMs: roundTrip ?? null,
      reachable: address === undefined || ping === undefined ? null : roundTrip !== undefined,
    };
  }
}

/** Longest text that a reply takes. */
const REASON_MAX = 1000;
/** How many nodes are asked at the same time. */
const LANES = 64;
/** An echo on a lab network takes less than a millisecond. Unit: milliseconds. */
const PING_WAIT_MS = 1000;
/** A BMC takes seconds to answer. Unit: milliseconds. */
const POWER_WAIT_MS = 5000;
