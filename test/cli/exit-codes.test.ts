/**
 * Goal: whatever way a verb fails, its exit code is true, and message and cure are there (P15).
 *
 * Method: every verb with its ways to fail that need no root (test/rig/error-cases.ts), run with
 * the real `huck`; the bytes of what it would write are compared. test/campaigns/errors.ts runs
 * all of them and prints what they say.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ERROR_CASES, makeErrorFolder, runErrorCase } from "../rig/error-cases.ts";
import { errorFaults } from "../rig/error-faults.ts";
import { ErrorLab } from "../rig/error-lab.ts";
import { fileFolder } from "../rig/folder.ts";

const folder = fileFolder();
const start = makeErrorFolder(folder);
const cases = ERROR_CASES.filter(({ needsRoot }) => needsRoot !== true);
let lab: ErrorLab;

beforeAll(async () => {
  lab = new ErrorLab(folder, await start);
  await lab.start();
});

afterAll(async () => {
  await lab.stop();
});

test.each(cases)("P15: `$command` ends with $exitCode", async (one) => {
  const run = await runErrorCase(one, await start, one.asks === true ? lab.folder : "");
  expect(errorFaults(one, run), run.errors).toEqual([]);
});
