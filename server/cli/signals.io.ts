/**
 * What Ctrl-C, SIGTERM and SIGHUP do while no verb has taken them over: the program says so and
 * ends with 128 + n.
 *
 * huck.ts loads this file before any other, so that it also holds while huck starts. A verb takes
 * a signal over by listening to it; then nothing happens here.
 */
import { constants } from "node:os";

/** Signals by which an operator, a terminal or a service manager stops a verb. */
export const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** One of the {@link STOP_SIGNALS}. */
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** Catches the signals from now on. Call it once. */
export function catchStopSignals(): void {
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      if (process.listenerCount(signal) > 1) return; // a verb has taken it over
      endBySignal(signal, words);
    });
  }
}

let words = "interrupted; nothing was changed";

/** Does something that may change what signals have to say: until it is done they say this. */
export async function withSignalText<Result>(
  said: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = words;
  words = said;
  try {
    return await work();
  } finally {
    words = before;
  }
}

/**
 * Ends the program because of a signal, as a shell expects it: with 128 + n.
 *
 * @param said - What is true now.
 */
export function endBySignal(signal: StopSignal, said: string): never {
  process.stderr.write(`huck: ${said}\n`);
  process.exit(128 + constants.signals[signal]);
}
