/**
 * Looks at nodes for `huck status`: power by their drivers, network by ICMP echo. It changes
 * nothing.
 *
 * The one idea: a question costs its asker at most one bound, however many nodes are dead, because
 * all are asked side by side in a bounded number of lanes.
 */
import type { NodeStatus } from "../../shared/control/operator-api.ts";

/** What the prober needs. */
export interface NodeProberParts {
  /**
   * Sends one echo request: round trip in milliseconds, or undefined. Absent: this server may not
   * ping.
   */
  readonly ping: ((address: string, timeoutMs: number) => Promise<number | undefined>) | undefined;
  /** @returns Address of a node, if one is known. */
  readonly addressOf: (node: string) => string | undefined;
  /** @returns Its power, as far as its driver can tell by the bound. */
  readonly powerOf: (node: string, timeoutMs: number) => Promise<NodeStatus["power"]>;
}

/** Looks at nodes. */
export class NodeProber {
  readonly #parts: NodeProberParts;

  /** @param parts - See {@link NodeProberParts}. */
  constructor(parts: NodeProberParts) {
    this.#parts = parts;
  }

  /**
   * Fills in power and ping.
   *
   * @param nodes - As the lab knows them.
   * @returns The same nodes in the same order.
   */
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
    const [power, roundTrip] = await Promise.all([
      powerOf(node.name, POWER_WAIT_MS),
      address === undefined ? undefined : ping?.(address, PING_WAIT_MS),
    ]);
    return {
      ...node,
      power,
      pingMs: roundTrip ?? null,
      reachable: address === undefined || ping === undefined ? null : roundTrip !== undefined,
    };
  }
}

/** Nodes asked side by side. */
const LANES = 64;
/** An echo on a lab network takes less than a millisecond. */
const PING_WAIT_MS = 1000;
/** A BMC takes seconds. */
const POWER_WAIT_MS = 5000;
