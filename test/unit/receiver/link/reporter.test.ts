/**
 * Goal: the server hears of every phase, progress at most once a second, and its wish to stop comes
 * back.
 */
import { expect, test } from "vitest";
import { Reporter } from "../../../../receiver/link/reporter.ts";
import type { StatusReport } from "../../../../shared/control/node-api.ts";

interface Scene {
  now: number;
  readonly sent: StatusReport[];
  readonly answers: PromiseWithResolvers<{ abort: boolean }>[];
  readonly reporter: Reporter;
}

function scene(): Scene {
  const sent: StatusReport[] = [];
  const answers: PromiseWithResolvers<{ abort: boolean }>[] = [];
  const state = { now: 0, sent, answers };
  const reporter = new Reporter({
    link: {
      status(report) {
        sent.push(report);
        const answer = Promise.withResolvers<{ abort: boolean }>();
        answers.push(answer);
        return answer.promise;
      },
    },
    order: "0".repeat(32),
    now: () => state.now,
    show: () => undefined,
  });
  return Object.assign(state, { reporter });
}

async function answered(state: Scene, index: number, abort = false): Promise<void> {
  state.answers[index]?.resolve({ abort });
  await Promise.resolve();
  await Promise.resolve();
}

test("Reporter reports a phase at once, also one that came during a report", async () => {
  const state = scene();
  state.reporter.enter("planning");
  state.reporter.enter("scanning");
  expect(state.sent.map(({ phase }) => phase)).toEqual(["planning"]);
  await answered(state, 0);
  expect(state.sent.map(({ phase }) => phase)).toEqual(["planning", "scanning"]);
  expect(state.sent.map(({ detail }) => detail)).toEqual(["", ""]); // the phase's sentence is known
});

test("Reporter reports progress once a second with the rate of the last seconds", async () => {
  const state = scene();
  state.reporter.enter("receiving");
  await answered(state, 0);
  for (state.now = 100; state.now <= 2100; state.now += 100) {
    state.reporter.progress(state.now * 1000, 10_000_000, 0.01);
    await answered(state, state.sent.length - 1);
  }
  expect(state.sent.length).toBe(3);
  const last = state.sent.at(-1);
  expect(last).toMatchObject({ doneBytes: 2_000_000, totalBytes: 10_000_000, loss: 0.01 });
  expect(Math.abs((last?.bytesPerSecond ?? 0) - 1_000_000)).toBeLessThan(100_000);
});

test("Reporter brings back the wish to stop and lives through a server that is gone", async () => {
  const state = scene();
  state.reporter.enter("receiving");
  state.answers[0]?.reject(new Error("connection refused"));
  await answered(state, 0);
  await answered(state, 0);
  expect(state.reporter.stopReason).toBeUndefined();
  state.now = 5000;
  state.reporter.beat();
  await answered(state, 1, true);
  expect(state.reporter.stopReason).toMatch(/server asked/);
});
