/**
 * Makes Ctrl-C and SIGTERM an abort signal, so that work on this computer ends at a safe point.
 */

/** What a second signal of the same kind does: it ends the process at once, or nothing. */
type SecondSignal = "ends the process" | "is ignored";

/** Runs work that Ctrl-C or SIGTERM stops at its next safe point, through the abort signal. */
export async function stoppable<Result>(
  second: SecondSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const stop = (): void => {
    controller.abort();
  };
  for (const signal of SIGNALS) {
    if (second === "is ignored") process.on(signal, stop);
    else process.once(signal, stop);
  }
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
