/**
 * Goal: a signal stops local work at a safe point, and afterwards ends the process again.
 * Method: signals that are only emitted, and the listeners that are left.
 */
import { expect, test } from "vitest";
import { stoppable } from "../../../../../server/cli/local/stoppable.io.ts";

const listeners = (): number => process.listenerCount("SIGINT");

test("stoppable() turns SIGINT into an abort and gives the signal back afterwards", async () => {
  const before = listeners();
  const aborted = await stoppable("is ignored", async (signal) => {
    process.emit("SIGINT");
    await Promise.resolve();
    expect(listeners()).toBe(before + 1);
    return signal.aborted;
  });
  expect(aborted).toBe(true);
  expect(listeners()).toBe(before);
});

test("stoppable() gives the signal back at once when the second one ends the process", async () => {
  const before = listeners();
  const left = await stoppable("ends the process", async (signal) => {
    process.emit("SIGINT");
    await Promise.resolve();
    expect(signal.aborted).toBe(true);
    return listeners();
  });
  expect(left).toBe(before);
});
