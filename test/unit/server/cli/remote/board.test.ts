/**
 * Goal: the rows say what the events said last. Method: events of a job, some of them twice.
 */
import { expect, test } from "vitest";
import type { Event } from "../../../../../shared/control/event.ts";
import { Board } from "../../../../../server/cli/remote/board.ts";
import { verdictOf } from "../../../../rig/lab-kit.ts";

const at = "2026-01-01T00:00:00.000Z";

function events(): Event[] {
  return [
    { kind: "phase", seq: 11, at, node: "a", phase: "receiving", detail: "" },
    {
      kind: "progress",
      seq: 12,
      at,
      node: "a",
      doneBytes: 5,
      totalBytes: 10,
      bytesPerSecond: 3,
      loss: 0.1,
    },
    { kind: "note", seq: 13, at, level: "info", text: "hello" },
    { kind: "phase", seq: 14, at, node: "stranger", phase: "done", detail: "" },
    { kind: "verdict", seq: 15, at, node: "a", verdict: verdictOf("ok") },
    { kind: "verdict", seq: 16, at, node: "b", verdict: verdictOf("lost") },
    { kind: "end", seq: 17, at, image: "x", nodesOk: 1, nodesNotOk: 1, aborted: false },
  ];
}

test("Board.take() brings rows and end up to date", () => {
  const board = new Board(["a", "b"], 10);
  for (const event of events()) expect(board.take(event)).toBe(true);
  expect(board.rows[0]).toMatchObject({ phase: "done", doneBytes: 5, totalBytes: 10, loss: 0.1 });
  expect(board.okCount).toBe(1);
  expect(board.end).toEqual({ nodesOk: 1, nodesNotOk: 1, aborted: false });
});

test("Board.take() changes nothing for an event it has seen, or that came before the job", () => {
  const board = new Board(["a", "b"], 14);
  expect(events().map((event) => board.take(event))).toEqual([
    false,
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
  expect(board.take({ kind: "phase", seq: 17, at, node: "a", phase: "waiting", detail: "" })).toBe(
    false,
  );
  expect(board.rows[0]?.phase).toBe("done");
});
