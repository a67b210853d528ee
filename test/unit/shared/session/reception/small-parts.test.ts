/**
 * Goal: the small parts of a reception keep their numbers: drain, reports, patience,
 * fetches. Method: each alone, virtual time.
 */
import { expect, test } from "vitest";
import { ChunkStates } from "../../../../../shared/session/reception/chunks.ts";
import { Drain } from "../../../../../shared/session/reception/drain.ts";
import { Fetches } from "../../../../../shared/session/reception/fetches.ts";
import { ReceptionDeadlines } from "../../../../../shared/session/reception/deadlines.ts";
import { RECEPTION_POLICY } from "../../../../../shared/session/reception/policy.ts";
import { ReportSchedule } from "../../../../../shared/session/reception/reports.ts";
import { receptionStats } from "../../../../../shared/session/reception/stats.ts";
import { seededRandom } from "../../../../../shared/core/random.ts";

test("Drain counts only time in which something was being written", () => {
  const drain = new Drain();
  for (let now = 0; now < 2000; now += 100) {
    drain.begin(now);
    drain.end(102_400, now + 10);
  }
  expect(drain.kiBs).toBe(10_000);
  expect(drain.open).toBe(0);
});

test("ReportSchedule spreads reports, and ends after its bound when closing", () => {
  const times = { reportMs: 400, doneReportMs: 100, doneReportsMax: 3 };
  const reports = new ReportSchedule(times, seededRandom(1));
  expect(reports.dueAt).toBe(Infinity);
  reports.within(20, 1000);
  expect(reports.dueAt).toBeLessThan(1020);
  reports.sent(1010);
  expect(Math.abs(reports.dueAt - 1410)).toBeLessThanOrEqual(100);
  reports.close(1100);
  expect(reports.dueAt).toBe(1100);
  for (let time = 0; time < 3; time += 1) reports.sent(1100);
  expect(reports.exhausted).toBe(true);
});

test("ReceptionDeadlines runs out: session, silence, sender, deadline", () => {
  const policy = { ...RECEPTION_POLICY, sessionWaitMs: 50, silentMs: 10, lostSenderMs: 30 };
  const patience = new ReceptionDeadlines({ ...policy, deadlineMs: 100 });
  expect(patience.nextWakeup(true)).toBe(0);
  patience.start(0);
  expect(patience.judge(true, 49)).toBe("none");
  expect(patience.judge(true, 50)).toBe("session wait");
  patience.take(60);
  expect(patience.nextWakeup(true)).toBe(70);
  expect(patience.judge(true, 70)).toBe("silent");
  expect(patience.judge(true, 71)).toBe("none");
  expect(patience.nextWakeup(true)).toBe(90);
  expect(patience.hear(80)).toBe(true);
  expect(patience.judge(true, 110)).toBe("lost sender");
  expect(patience.judge(false, 110)).toBe("none");
  expect(patience.judge(false, 160)).toBe("deadline");
});

test("Fetches takes forced chunks first, all others in order, a few at a time", () => {
  const chunks = new ChunkStates(undefined);
  chunks.setCount(6);
  const fetches = new Fetches(chunks, { fetchesMax: 2, fetchTriesMax: 2 });
  expect(fetches.next()).toBe(-1);
  fetches.force(4);
  fetches.fetchAll();
  expect([fetches.next(), fetches.next(), fetches.next()]).toEqual([4, 0, -1]);
  expect(fetches.complete(4, true)).toBe(true);
  expect(chunks.done).toBe(1);
  expect(fetches.complete(0, false)).toBe(true);
  expect(fetches.next()).toBe(0);
  expect(fetches.complete(0, false)).toBe(false);
});

test("receptionStats() is all zeros before a session is taken", () => {
  const counts = { received: 3, dropped: 2, loss: 0 };
  const parts = { assembly: undefined, messages: undefined };
  const stats = receptionStats({ phase: "waiting", ...counts, ...parts });
  expect(stats).toMatchObject({ phase: "waiting", received: 3, dropped: 2, kept: 0, lanes: 0 });
  expect(stats.chunkCount).toBeUndefined();
});

test("Fetches passes over a forced chunk that came by multicast while it waited", () => {
  const chunks = new ChunkStates(undefined);
  chunks.setCount(6);
  const fetches = new Fetches(chunks, { fetchesMax: 1, fetchTriesMax: 2 });
  for (const chunk of [1, 2, 3, 4]) fetches.force(chunk);
  expect(fetches.next()).toBe(1);
  chunks.setLane(2, 0);
  chunks.setLane(3, 1);
  chunks.setDone(3);
  fetches.complete(1, true);
  expect([fetches.next(), chunks.laneOf(2), chunks.done]).toEqual([4, 0, 2]);
});

test("Fetches goes back to a chunk that lacks again after its turn", () => {
  const chunks = new ChunkStates(undefined);
  chunks.setCount(3);
  chunks.setLane(0, 0);
  const fetches = new Fetches(chunks, { fetchesMax: 4, fetchTriesMax: 2 });
  fetches.fetchAll();
  expect([fetches.next(), fetches.next(), fetches.next()]).toEqual([1, 2, -1]);
  chunks.setLacking(0);
  expect([fetches.next(), fetches.next()]).toEqual([0, -1]);
});
