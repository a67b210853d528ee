/**
 * Goal: `huck catch` reads its options as the help says, before it writes anything.
 *
 * Method: commander's own parser over the verb, and calls with options and outputs that cannot be
 * used; whole casts run in test/interop/cast.test.ts.
 */
import { Command } from "commander";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { catchCast, catchCommand } from "../../../../../server/cli/local/catch.io.ts";
import { CAST_GROUP, CAST_PORT } from "../../../../../shared/wire/cast-session.ts";

const place = { group: CAST_GROUP, port: CAST_PORT };

test("catchCommand() describes every option and agrees with cast on the group", () => {
  const command = catchCommand(new Command("catch"));
  const help = command.helpInformation();
  for (const flag of ["interface", "group", "port", "wait", "sparse", "json"]) {
    expect(help).toContain(`--${flag}`);
  }
  expect(command.opts()).toEqual(place);
});

test("catchCommand() refuses a port that is none, and leaves no file behind", async () => {
  const folder = mkdtempSync(join(tmpdir(), "huck-catch-"));
  const words = [join(folder, "out"), "--port", "http"];
  const attempt = catchCommand(new Command("catch")).parseAsync(words, { from: "user" });
  await expect(attempt).rejects.toMatchObject({ code: "usage", exitCode: 2 });
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});

test("catchCast() refuses an output that cannot be made, with a cure", async () => {
  const refusal = { code: "no_output", exitCode: 4, cure: expect.any(String) as unknown };
  await expect(catchCast("/nonexistent/out", place)).rejects.toMatchObject(refusal);
  expect(existsSync("/nonexistent")).toBe(false);
});
