/**
 * Goal: a signal stops local work at a safe point, and afterwards ends the process again.
 * Method: signals that are only emitted, and the listeners that are left.
 */
import { expect, onTestFinished, test, vi } from "vitest";
import { stoppable } from "../../../../../server/cli/local/stoppable.io.ts";

const listeners = (): number => process.listenerCount("SIGINT");

const GOES_ON = { ends: false, words: "it goes on" };

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "stoppable() turns %s into an abort and gives the signal back afterwards",
  async (name) => {
    const before = listeners();
    const aborted = await stoppable(GOES_ON, async (signal) => {
      process.emit(name);
      process.emit(name);
      await Promise.resolve();
      expect(listeners()).toBe(before + 1);
      return signal.aborted;
    });
    expect(aborted).toBe(true);
    expect(listeners()).toBe(before);
  },
);

test("stoppable() ends the process with 128 + n at the second signal if it may", async () => {
  const exit = vi.spyOn(process, "exit").mockImplementation(() => {
    throw new Error("exit");
  });
  onTestFinished(() => {
    exit.mockRestore();
  });
  await stoppable({ ends: true, words: "ended at once" }, async (signal) => {
    process.emit("SIGTERM", "SIGTERM");
    await Promise.resolve();
    expect(signal.aborted).toBe(true);
    expect(() => process.emit("SIGTERM", "SIGTERM")).toThrow("exit");
  });
  expect(exit).toHaveBeenCalledWith(143);
});
