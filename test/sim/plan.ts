/**
 * What happens in a simulated session, drawn from its seed.
 *
 * The one idea: a plan is plain data made before the first datagram, so that a failing seed can
 * be read, and a test can also write a plan by hand and change one thing.
 */
import { seededRandom } from "../../shared/core/random.ts";
import type { Random } from "../../shared/core/random.ts";
import { PERFECT } from "./network.ts";
import type { Link } from "./network.ts";

/** One receiver of a session. */
export interface ReceiverPlan {
  /** When its program starts. Unit: milliseconds. */
  readonly startsAt: number;
  /** When it dies; Infinity = never. */
  readonly diesAt: number;
  /** When it starts again with what it had kept; Infinity = never. */
  readonly returnsAt: number;
  readonly down: Link;
  readonly up: Link;
  /** Stored bytes per second its disk takes; Infinity = at once. */
  readonly drain: number;
  /** Until then its disk takes nothing: a node that waits for leave to write. */
  readonly armsAt: number;
  readonly ringLanes: number;
  readonly inOrder: boolean;
  readonly canFetch: boolean;
  /** Chunks whose content seems wrong at first: as a disk that flips bits would. */
  readonly badOnce: readonly number[];
}

/** A session. */
export interface Plan {
  readonly seed: number;
  readonly chunkCount: number;
  readonly recordBytesMax: number;
  readonly symbolBytes: number;
  readonly kind: "image" | "cast";
  /** The sender learns the number of chunks only at the end. */
  readonly pipe: boolean;
  readonly rateCap: number | undefined;
  readonly cacheLanes: number;
  readonly egress: Link;
  readonly senderDiesAt: number;
  readonly receivers: readonly ReceiverPlan[];
}

/** A plan for a seed. */
export function planOf(seed: number): Plan {
  const random = seededRandom(seed);
  const many = random.below(10) === 0;
  const symbolBytes = pick(random, [64, 256, 512, 1024, 1408, 1408, 1408, 1408]);
  // Short symbols make many datagrams: such images stay small, so that 500 sessions take a minute.
  const growth = symbolBytes < 1024 ? 17 : many ? 241 : 49;
  const chunkCount = 16 + random.below(growth);
  const receiverCount = 1 + random.below(many ? 12 : symbolBytes < 256 ? 2 : 6);
  const pipe = random.below(6) === 0;
  const link = linkOf(random);
  const rateCap = random.below(4) === 0 ? undefined : 1e6 * pick(random, [10, 30, 100, 300]);
  const egressLimit = rateCap === undefined || random.below(4) === 0;
  const egress = egressLimit
    ? { ...PERFECT, bandwidth: 1e6 * pick(random, [20, 100, 300]), queueBytes: 500_000 }
    : PERFECT;
  const receivers: ReceiverPlan[] = [];
  const rate = Math.min(rateCap ?? Infinity, egress.bandwidth, 300e6);
  const lengthMs = (chunkCount * 10_000 * 8000) / rate;
  for (let index = 0; index < receiverCount; index += 1) {
    receivers.push(receiverOf(random, { link, lengthMs, rate, first: index === 0 }));
  }
  return {
    seed,
    chunkCount,
    recordBytesMax: 16_384,
    symbolBytes,
    kind: pipe || random.below(3) === 0 ? "cast" : "image",
    pipe,
    rateCap,
    cacheLanes: pick(random, [8, 24, 40, 64]),
    egress,
    senderDiesAt: random.below(25) === 0 ? random.fraction() * lengthMs : Infinity,
    receivers,
  };
}

function linkOf(random: Random): Link {
  const loss = pick(random, [0, 0, 0.001, 0.01, 0.05, 0.1, 0.2]);
  const bursty = random.below(4) === 0;
  return {
    ...PERFECT,
    loss: bursty ? 0 : loss,
    burst: bursty ? loss / 8 : 0,
    burstLength: 8,
    delayMs: pick(random, [0.05, 0.3, 2, 10]),
    jitterMs: pick(random, [0, 0, 0.2, 2]),
    late: pick(random, [0, 0, 0.01]),
    duplicate: pick(random, [0, 0, 0.01, 0.05]),
  };
}

interface About {
  readonly link: Link;
  readonly lengthMs: number;
  readonly rate: number;
  readonly first: boolean;
}

function receiverOf(random: Random, about: About): ReceiverPlan {
  const { link, lengthMs, rate, first } = about;
  const own = random.below(3) === 0 ? linkOf(random) : link;
  const fate = random.below(12);
  const startsAt = random.fraction() * 20;
  const cutAt = random.fraction() * lengthMs;
  const cuts = fate === 0 ? [{ from: cutAt, to: cutAt + 200 + random.fraction() * 1500 }] : [];
  const slowLink = !first && fate === 1;
  const dies = !first && (fate === 2 || fate === 3);
  const late = !first && (fate === 4 || fate === 5);
  return {
    startsAt: late ? random.fraction() * lengthMs * 1.2 : startsAt,
    diesAt: dies ? startsAt + random.fraction() * lengthMs : Infinity,
    returnsAt: fate === 3 ? startsAt + lengthMs * (0.5 + random.fraction()) : Infinity,
    down: slowLink ? { ...own, bandwidth: rate / 10, queueBytes: 100_000, cuts } : { ...own, cuts },
    up: { ...own, duplicate: 0, cuts },
    armsAt: 0,
    drain: !first && fate === 6 ? rate / 80 : pick(random, [Infinity, Infinity, rate / 4]),
    ringLanes: pick(random, [8, 24, 40, 64]),
    inOrder: random.below(4) === 0,
    canFetch: random.below(3) === 0,
    badOnce: random.below(8) === 0 ? [random.below(16)] : [],
  };
}

function pick<Value>(random: Random, values: readonly [Value, ...Value[]]): Value {
  return values[random.below(values.length)] ?? values[0];
}
