/** How busy this computer was with other work than the run's: such runs say little. */
import { readFileSync } from "node:fs";

/** Of all processors since start-up, in ticks. */
export interface CpuTimes {
  /** Of processes, without interrupts: those belong to no one. */
  readonly processes: number;
  readonly all: number;
}

/** The kernel's unit of /proc/stat, on every architecture of Linux. */
const TICKS_PER_SECOND = 100;

/** Reads the counters. */
export function cpuTimes(): CpuTimes {
  const line = readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "";
  const [user = 0, nice = 0, system = 0, ...rest] = line.split(/\s+/).slice(1, 9).map(Number);
  const processes = user + nice + system;
  return { processes, all: rest.reduce((total, one) => total + one, processes) };
}

/**
 * Share of processor time that processes of others took.
 *
 * @param before - At its beginning.
 * @param after - At its end.
 * @param ownSeconds - Of the run's own processes.
 * @returns 0 to 1; NaN when the run does not know its own.
 */
export function foreignShare(before: CpuTimes, after: CpuTimes, ownSeconds: number): number {
  const processes = after.processes - before.processes;
  const foreign = Math.max(0, processes - ownSeconds * TICKS_PER_SECOND);
  return foreign / Math.max(1, after.all - before.all);
}
