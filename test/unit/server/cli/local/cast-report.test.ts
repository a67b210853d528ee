/**
 * Goal: the exit code of a cast follows from what happened to its members, and every event is told.
 *
 * Method: events and totals as an engine gives them, a reporter that keeps them.
 */
import { expect, test } from "vitest";
import type { TerminalReporter } from "../../../../../server/cli/terminal-reporter.io.ts";
import { CastTally, castProgress } from "../../../../../server/cli/local/cast-report.ts";
import type { SenderEvent, SenderStats } from "../../../../../shared/session/sender/contract.ts";
import type { Sender } from "../../../../../shared/session/sender/engine.ts";
import type { SenderEnd } from "../../../../../shared/session/sender/sender-loop.io.ts";

const counters = { received: 0, sent: 0, dropped: 0, refused: 3 };
const remote = { address: "10.0.0.7", port: 9 };
const stats: SenderStats = {
  phase: "streaming",
  pass: 2,
  chunksSent: 3,
  chunkCount: 4,
  sourceSent: 10,
  paritySent: 1,
  repairSent: 2,
  otherSent: 5,
  nacksReceived: 0,
  dropped: 0,
  bitsPerSecond: 912e6,
  queueDelayMs: 0,
  members: [],
};
const sender = { stats: () => stats } as unknown as Sender;

function judge(
  events: readonly SenderEvent[],
  outcome: SenderEnd["outcome"],
): { exit: number; texts: (string | undefined)[]; last: unknown } {
  const texts: (string | undefined)[] = [];
  let last: unknown;
  const reporter: TerminalReporter = {
    event: (text, facts) => {
      texts.push(text);
      last = facts;
    },
    progress: () => undefined,
  };
  const tally = new CastTally(reporter, () => 0);
  for (const event of events) tally.take(event);
  const cast = { counters, sizeBytes: 5e6, sid: 0xabcn, stopped: outcome === "aborted" };
  const exit = tally.finish({ kind: "ended", outcome, reason: "" }, sender, cast);
  return { exit, texts, last };
}

const done = (node: number): SenderEvent => ({
  kind: "member ended",
  node,
  state: "done",
  reason: "",
});
const lost: SenderEvent = { kind: "member ended", node: 255, state: "lost", reason: "silent" };

test("CastTally.finish() is ok only when everybody who joined has everything", () => {
  expect(judge([done(1), done(2)], "complete").exit).toBe(0);
  expect(judge([done(1), lost], "partial").exit).toBe(1);
  expect(judge([done(1), lost], "complete").exit).toBe(1);
  expect(judge([], "complete").exit).toBe(1);
  expect(judge([done(1)], "aborted").exit).toBe(5);
});

test("CastTally tells each event in a sentence and the result with its totals", () => {
  const { texts, last } = judge(
    [
      { kind: "joined", node: 255, remote },
      { kind: "started", members: 1 },
      { kind: "rate", bitsPerSecond: 1, limitedBy: "cap" },
      { kind: "classed", node: 255, as: "shed" },
      { kind: "pass", pass: 2 },
      lost,
    ],
    "partial",
  );
  expect(texts).toEqual([
    "receiver 000000ff joined from 10.0.0.7",
    "started with 1 receiver",
    undefined,
    "receiver 000000ff is shed",
    "pass 2",
    "receiver 000000ff lost: silent",
    expect.stringMatching(
      /^cast partial: 0 of 1 receiver has it all, 5.00 MB, \d+\.\d s.*, session abc$/,
    ) as unknown,
  ]);
  expect(last).toMatchObject({ kind: "result", done: 0, members: 1, sourceSent: 10, refused: 3 });
});

test("castProgress() says how far, how fast and for whom", () => {
  const text = castProgress(sender, 4_000_000);
  expect(text).toBe("streaming 75 % of 4.00 MB, pass 2, 912 Mbit/s, 0 of 0 done");
});
