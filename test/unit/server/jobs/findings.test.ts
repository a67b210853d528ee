/** Goal: an end that the server finds itself is told truly. Method: records in every state. */
import { expect, test } from "vitest";
import { findingOf, verdictFrom } from "../../../../server/jobs/findings.ts";
import type { FindingSubject } from "../../../../server/jobs/findings.ts";
import type { OrderRecord } from "../../../../server/jobs/journal.ts";
import { someJob, someOrder } from "../../../rig/journal-records.ts";

function subject(changes: Partial<OrderRecord>, aborted = false): FindingSubject {
  const job = { ...someJob("j", 1), state: aborted ? "aborted" : "running" } as const;
  return { record: { ...someOrder("o", "j"), ...changes }, job, silenceMs: 30_000 };
}

const ENDS = [
  ["silence", { state: "waiting" }, false, "lost", /never joined/],
  ["silence", { state: "booting" }, false, "lost", /never joined/],
  ["silence", { state: "silent" }, false, "lost", /silent for 30 s and did not come back/],
  ["silence", { state: "armed", armed: 2 }, false, "lost", /its order is spent/],
  ["deadline", { state: "armed", phase: "receiving" }, false, "lost", /while .* receiving/],
  ["deadline", { state: "stopping" }, true, "lost", /did not stop when asked/],
  ["removed", { state: "joined" }, false, "lost", /no longer in the inventory/],
  ["abort", { state: "waiting" }, true, "aborted", /by the operator/],
  ["joined", { state: "stopping" }, true, "aborted", /by the operator/],
  ["joined", { state: "captured", captured: "i" }, false, "ok", /in the store.*came back/],
  ["silence", { state: "captured", captured: "i" }, false, "ok", /in the store.*fell silent/],
  ["silence", { state: "booting", captured: "i" }, false, "ok", /in the store.*never joined/],
  ["deadline", { state: "captured", captured: "i" }, false, "ok", /in the store.*deadline/],
  ["deadline", { state: "stopping", captured: "i" }, true, "ok", /in the store.*did not stop/],
  ["removed", { state: "captured", captured: "i" }, false, "ok", /in the store.*no longer/],
  ["abort", { state: "silent", captured: "i" }, true, "ok", /in the store.*by the operator/],
] as const;

test.each(ENDS)("findingOf() a %s in %o", (...end) => {
  const [event, changes, aborted, code, reason] = end;
  const finding = findingOf(event, subject(changes, aborted));
  expect(finding.code).toBe(code);
  expect(finding.reason).toMatch(reason);
  expect(finding.cure !== "").toBe(code !== "ok");
});

test("P15 verdictFrom() says untouched only when no boot of the order has armed", () => {
  const finding = { code: "lost", reason: "x".repeat(2000), cure: "" } as const;
  const found = (armed: number): object => verdictFrom(finding, subject({ armed }), 0);
  expect(found(0)).toMatchObject({ diskUntouched: true, incomplete: false });
  expect(found(1)).toMatchObject({ diskUntouched: false, incomplete: true });
  expect(verdictFrom(finding, subject({}), 0).reason).toHaveLength(1000);
});
