/** Goal: a mistake in huck.yaml is told as an admin would. Method: small schemas and values. */
import { expect, test } from "vitest";
import * as z from "zod";
import { parseDocument } from "yaml";
import { expansionMistake, valueMistake } from "../../../server/config-mistake.ts";

function told(schema: z.ZodType, value: unknown): string | undefined {
  return schema.safeParse(value, { error: valueMistake }).error?.issues[0]?.message;
}

test.each([
  [z.strictObject({ a: z.string() }), null, "it is empty, keys with values (key: value) wanted"],
  [z.string(), undefined, "it is missing, a text wanted"],
  [z.array(z.string()), { a: 1 }, "keys with values found, a list wanted"],
  [z.number(), ["x", "y"], "a list of 2 found, a number wanted"],
  [z.enum(["free", "confirm"]), "fre", '"fre" found, free or confirm wanted'],
  [z.literal("off"), "on", '"on" found, off wanted'],
  [z.number().max(9), 10, "10 found, at most 9 wanted"],
  [z.string().min(1), "", '"" found, at least 1 character wanted'],
  [z.array(z.string()).min(2), ["x"], "a list of 1 found, at least 2 entries wanted"],
  [z.number().multipleOf(32), 33, "33 found, a multiple of 32 wanted"],
  [z.ipv4(), "10.0", '"10.0" found, an IPv4 address like 10.0.0.1 wanted'],
  [z.strictObject({}), { adress: 1 }, 'unknown key "adress"'],
  [
    z.discriminatedUnion("mode", [
      z.object({ mode: z.literal("off") }),
      z.object({ mode: z.literal("proxy") }),
    ]),
    { mode: "of" },
    '"of" found, off or proxy wanted',
  ],
])("valueMistake() says what is found and what is wanted: %#", (schema, value, text) => {
  expect(told(schema, value)).toBe(text);
});

test("valueMistake() leaves the words that a schema has of its own", () => {
  expect(told(z.string().regex(/^[a-z]$/, "a letter"), "12")).toBe("a letter");
});

test("expansionMistake() explains no fault of ours", () => {
  expect(expansionMistake(parseDocument("a: 1"), new TypeError("x is undefined"))).toBeUndefined();
});
