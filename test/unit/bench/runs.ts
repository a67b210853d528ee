/** Made-up runs of the benchmark. */
import type { BenchRun, Yardsticks } from "../../bench/figures.ts";

/** A good run of 100 bytes with 5 % of overhead. */
export function benchRun(system: string, seconds: number, more: Partial<BenchRun> = {}): BenchRun {
  return {
    row: "row",
    system,
    seconds,
    isGood: true,
    payloadBytes: 100,
    outBytes: 105,
    upFrames: 3,
    overflows: 0,
    senderCpuSeconds: 2,
    receiverCpuSeconds: 1,
    memoryMib: 64,
    foreignCpuShare: 0.1,
    ...more,
  };
}

/** The link needs four seconds, and whatever is not huck is a peer. */
export const YARDSTICKS: Yardsticks = {
  isPeer: (system) => !system.startsWith("huck"),
  floorOf: () => 4,
};
