/**
 * What goes wrong in a run, drawn from its seed: every kind of fault is absent in most runs, so
 * that some runs are deep and calm and others are storms.
 */
import type { World } from "./world.ts";

export interface Weather {
  /** Share of requests, and of replies, that are lost. */
  readonly loss: number;
  /** Share of requests that come again a little later, as they were. */
  readonly doubled: number;
  /** Share of requests that are delivered after 1 to 60 s. */
  readonly late: number;
  /** The server dies at every n-th commit or so; 0: never. */
  readonly crashEvery: number;
  /** Share of commits that fail while the journal's disk is full. */
  readonly fullShare: number;
  /** Operators who restart the server. */
  readonly restarts: number;
  /** Longest step of the wall clock that a restart may meet. Unit: milliseconds. */
  readonly clockStepMs: number;
  readonly suspends: boolean;
  /** Per boot. */
  readonly reboots: number;
  readonly powerCuts: number;
  readonly hangs: number;
  /** Share of power commands. */
  readonly powerFails: number;
  readonly powerLies: number;
  /** Share of nodes. */
  readonly neverBoots: number;
  readonly deaf: number;
  readonly lyingDisks: number;
  readonly manualPower: number;
  readonly slowDisks: number;
  /** Started from a stick with a token of `POST /v1/tokens`, whatever the boot answer is. */
  readonly byHand: number;
  /** Receivers that say ok without having done anything. */
  readonly mad: number;
  /** Share of images. */
  readonly damagedImages: number;
  /** Share of senders that do not start or break. */
  readonly senderFaults: number;
}

export function weatherOf(world: World): Weather {
  const some = <T>(share: number, values: readonly T[], calm: T): T =>
    world.chance(share) ? world.pick(values) : calm;
  return {
    loss: some(0.4, [0.01, 0.05, 0.2], 0),
    doubled: some(0.3, [0.05, 0.2], 0),
    late: some(0.3, [0.02, 0.1, 0.3], 0),
    crashEvery: some(0.5, [8, 20, 60], 0),
    fullShare: some(0.2, [0.02, 0.1, 0.5], 0),
    restarts: some(0.3, [1, 2, 3], 0),
    clockStepMs: some(0.2, [1_000, 60_000, 600_000], 0),
    suspends: world.chance(0.15),
    reboots: some(0.35, [0.1, 0.4], 0),
    powerCuts: some(0.35, [0.1, 0.4], 0),
    hangs: some(0.25, [0.1, 0.3], 0),
    powerFails: some(0.2, [0.1, 0.5], 0),
    powerLies: some(0.2, [0.1, 0.3], 0),
    neverBoots: some(0.3, [0.05, 0.3], 0),
    deaf: some(0.2, [0.1, 0.5], 0),
    lyingDisks: some(0.2, [0.1, 0.5], 0),
    manualPower: some(0.2, [0.1, 0.5], 0),
    byHand: some(0.2, [0.3, 1], 0),
    slowDisks: some(0.2, [0.2], 0),
    mad: some(0.15, [0.1, 0.3], 0),
    damagedImages: some(0.2, [0.5], 0),
    senderFaults: some(0.2, [0.1, 0.4], 0),
  };
}
