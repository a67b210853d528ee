/**
 * Plans written by hand: receivers and sessions of which a scenario changes one thing.
 */
import { PERFECT } from "./network.ts";
import type { Link } from "./network.ts";
import type { Plan, ReceiverPlan } from "./plan.ts";
import type { SessionResult } from "./session.ts";

/** A link of 1 Gbit/s with the queue of a switch port. */
const GIGABIT: Link = { ...PERFECT, bandwidth: 1e9, queueBytes: 4_000_000 };

/** A receiver on a perfect path with a disk that takes everything at once. */
export function receiver(changes: Partial<ReceiverPlan> = {}): ReceiverPlan {
  const down = { ...PERFECT, delayMs: 0.1 };
  return {
    startsAt: 0,
    diesAt: Infinity,
    returnsAt: Infinity,
    down,
    up: down,
    drain: Infinity,
    armsAt: 0,
    ringLanes: 96,
    inOrder: false,
    canFetch: false,
    badOnce: [],
    ...changes,
  };
}

/** An image of 64 chunks at whatever rate the sender finds. */
export function plan(receivers: readonly ReceiverPlan[], changes: Partial<Plan> = {}): Plan {
  return {
    seed: 1,
    chunkCount: 64,
    recordBytesMax: 262_144,
    symbolBytes: 1408,
    kind: "image",
    pipe: false,
    rateCap: undefined,
    cacheLanes: 40,
    egress: GIGABIT,
    senderDiesAt: Infinity,
    receivers,
    ...changes,
  };
}

/** The same item so many times. */
export function copies<Item>(count: number, item: Item): Item[] {
  return new Array<Item>(count).fill(item);
}

/** When the last receiver had everything; Infinity when one never had. */
export function lastComplete(result: SessionResult): number {
  return Math.max(...result.receivers.map((one) => one.completeAtMs ?? Infinity));
}
