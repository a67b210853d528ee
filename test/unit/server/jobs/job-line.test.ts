/** Goal: the server's log tells who had what done to which node. Method: examples. */
import { expect, test } from "vitest";
import { jobLine } from "../../../../server/jobs/job-line.ts";
import { verdictOf } from "../../../rig/lab-kit.ts";

const common = { seq: 1, at: "2026-01-01T00:00:00.000Z", job: "1".repeat(32) };
const principal = { kind: "local", uid: 1000, name: "ada" } as const;

test("jobLine() tells begin, verdict and end, with the job and who asked for it", () => {
  const begin = {
    ...common,
    kind: "begin",
    action: "load",
    image: "x",
    nodes: 2,
    principal,
  } as const;
  expect(jobLine(begin)).toEqual({
    level: "info",
    text: `job ${common.job}: load of x, nodes: 2, begun by ada (uid 1000)`,
  });
  const verdict = { ...common, kind: "verdict", node: "n1", verdict: verdictOf("lost") } as const;
  expect(jobLine(verdict)).toMatchObject({
    level: "warn",
    text: expect.stringMatching(/: n1: NOT OK lost: /) as string,
  });
  const end = {
    ...common,
    kind: "end",
    image: "x",
    nodesOk: 1,
    nodesNotOk: 1,
    aborted: true,
  } as const;
  expect(jobLine(end)?.text).toMatch(/x has ended by an abort, nodes ok: 1, not ok: 1$/);
});

test("jobLine() leaves out what would fill the log", () => {
  const phase = { ...common, kind: "phase", node: "n1", phase: "receiving", detail: "" } as const;
  expect(jobLine(phase)).toBeUndefined();
});
