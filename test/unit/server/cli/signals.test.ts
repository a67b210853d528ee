/**
 * Goal: a signal ends the program with 128 + n and says what is true at that moment.
 * Method: signals that are only emitted; the process does not end.
 */
import { expect, onTestFinished, test, vi } from "vitest";
import {
  STOP_SIGNALS,
  catchStopSignals,
  withSignalText,
} from "../../../../server/cli/signals.io.ts";

/** Emits a signal; gives what was said, and the exit code. */
function caught(name: (typeof STOP_SIGNALS)[number]): string {
  const said: string[] = [];
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
    throw new Error(`${said.join("")}${String(code)}`);
  });
  try {
    process.emit(name, name);
    return "nothing";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  } finally {
    write.mockRestore();
    exit.mockRestore();
  }
}

test("withSignalText() has a signal say what holds while a request is under way", async () => {
  const before = new Map(STOP_SIGNALS.map((name) => [name, process.listeners(name)]));
  for (const name of STOP_SIGNALS) process.removeAllListeners(name);
  onTestFinished(() => {
    for (const [name, listeners] of before) {
      process.removeAllListeners(name);
      for (const listener of listeners) process.on(name, listener);
    }
  });
  catchStopSignals();
  expect(caught("SIGTERM")).toBe("huck: interrupted; nothing was changed\n143");
  const work = withSignalText("it may be done", () => Promise.resolve(caught("SIGINT")));
  expect(await work).toBe("huck: it may be done\n130");
  const failed = withSignalText("it may be done", () => Promise.reject(new Error("no answer")));
  await expect(failed).rejects.toThrow("no answer");
  expect(caught("SIGHUP")).toBe("huck: interrupted; nothing was changed\n129");
});
