/**
 * Makes Ctrl-C, SIGTERM and SIGHUP an abort signal, so that work on this computer ends at a safe
 * point.
 */
import { STOP_SIGNALS, endBySignal } from "../signals.io.ts";
import type { StopSignal } from "../signals.io.ts";
import { stderr } from "../terminal.io.ts";

/** What a second signal does. */
export interface SecondSignal {
  /** Whether it ends the process at once; otherwise the work goes on to its safe point. */
  readonly ends: boolean;
  /** What is true then, for the operator. */
  readonly words: string;
}

/** Runs work that a signal stops at its next safe point, through the abort signal. */
export async function stoppable<Result>(
  second: SecondSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const stop = (signal: StopSignal): void => {
    if (!controller.signal.aborted) {
      controller.abort();
      stderr.print("huck: stopping at the next safe point");
      return;
    }
    if (second.ends) endBySignal(signal, second.words);
    stderr.print(`huck: ${second.words}`);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
  }
}
