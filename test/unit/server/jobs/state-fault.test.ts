/**
 * Goal: what only the state folder's system can say reaches the operator with a cure, and nothing
 * else is taken for it. Method: errors as SQLite and the file system give them.
 */
import { expect, test } from "vitest";
import { SituationError } from "../../../../shared/core/errors.ts";
import { stateFault } from "../../../../server/jobs/state-fault.ts";
import { foundText } from "../../../../shared/core/errno.ts";

function sqlite(errcode: number): Error {
  return Object.assign(new Error("sqlite says so"), { code: "ERR_SQLITE_ERROR", errcode });
}

test.each([
  ["a full disk", sqlite(13), "state_unwritable", /room/],
  ["a failed write", sqlite(10 | (3 << 8)), "state_unwritable", /room/],
  ["a read-only file", sqlite(8), "state_unwritable", /writable/],
  ["a lock", sqlite(5), "journal_busy", /stop/],
  ["garbage", sqlite(26), "journal_damaged", /backup/],
  ["no space", Object.assign(new Error("no"), { code: "ENOSPC" }), "state_unwritable", /room/],
])("stateFault() explains %s", (_what, cause, code, cure) => {
  expect(stateFault("open it", cause)).toMatchObject({
    code,
    exitCode: 4,
    message: `Cannot open it: ${foundText(cause)}`,
    cure: expect.stringMatching(cure) as string,
  });
});

test.each([
  sqlite(1),
  new TypeError("ours"),
  Object.assign(new Error("no"), { code: "EACCES" }),
  new SituationError("key_damaged", "Cannot use it", { cure: "Restore it." }),
])("stateFault() gives %s back as it is", (cause) => {
  expect(stateFault("open it", cause)).toBe(cause);
});
