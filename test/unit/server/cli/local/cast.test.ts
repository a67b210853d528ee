/**
 * Goal: `huck cast` reads its options as the help says, before it opens anything.
 *
 * Method: commander's own parser over the verb, and calls with options that cannot be used; whole
 * casts run in test/interop/cast.test.ts.
 */
import { Command } from "commander";
import { expect, test } from "vitest";
import { cast, castCommand } from "../../../../../server/cli/local/cast.io.ts";
import { castPlace } from "../../../../../server/cli/local/cast-options.ts";
import { CAST_GROUP, CAST_PORT } from "../../../../../shared/wire/cast-session.ts";

const place = { group: CAST_GROUP, port: CAST_PORT };

test("castPlace() gives cast and catch the same group and port", () => {
  expect(castPlace(new Command("catch")).opts()).toEqual(place);
});

test("castCommand() describes every option and the defaults of the group", () => {
  const command = castCommand(new Command("cast"));
  const help = command.helpInformation();
  const flags = ["interface", "group", "port", "rate", "min-receivers", "wait", "max-wait", "json"];
  for (const flag of flags) expect(help).toContain(`--${flag}`);
  expect(command.opts()).toEqual(place);
});

test.each([
  ["a rate below what timing allows", ["--rate", "1"]],
  ["no receivers", ["--min-receivers", "0"]],
  ["a wait that is no time", ["--wait", "soon"]],
  ["a negative longest wait", ["--max-wait", "-1"]],
  ["a port without a next one", ["--port", "65535"]],
])("castCommand() refuses %s", async (_, words) => {
  const parsing = castCommand(new Command("cast")).parseAsync(["/dev/null", ...words], {
    from: "user",
  });
  await expect(parsing).rejects.toMatchObject({ code: "usage", exitCode: 2 });
});

test("cast() refuses a file that is not there, with a cure", async () => {
  const refusal = { code: "no_input", exitCode: 4, cure: expect.any(String) as unknown };
  await expect(cast("/nonexistent/file", place)).rejects.toMatchObject(refusal);
});
