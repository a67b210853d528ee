/**
 * Goal: what a request brought is parsed strictly, and the answer names what is wrong with it.
 * Method: schemas and values that fit, do not fit, or have more than the schema.
 */
import { expect, test } from "vitest";
import * as z from "zod";
import { wholeNumber, parsed } from "../../../../server/api/parse-request.ts";

test("parsed() names the first member that does not fit", () => {
  const schema = z.strictObject({ nodes: z.array(z.string()) });
  expect(parsed(schema, { nodes: ["a"] })).toEqual({ nodes: ["a"] });
  expect(() => parsed(schema, { nodes: [1] })).toThrow(/nodes\.0/);
  expect(() => parsed(schema, undefined)).toThrow(/body/);
});

test("parsed() calls a field that it does not know the request of a newer program", () => {
  const schema = z.strictObject({ nodes: z.array(z.strictObject({ name: z.string() })) });
  const newer = {
    code: "server_older",
    message: expect.stringContaining('"nodes.0.colour"') as string,
  };
  expect(() => parsed(schema, { nodes: [{ name: "a", colour: "red" }] })).toThrow(
    expect.objectContaining(newer),
  );
  expect(() => parsed(schema, { nodes: [{ name: 1 }], wipe: true })).toThrow(
    expect.objectContaining({ code: "server_older" }),
  );
});

test("wholeNumber() reads one spelling of each number, and no other", () => {
  for (const value of [0, 7, 40]) expect(parsed(wholeNumber(40), String(value))).toBe(value);
  const others = ["", "0x1", "1e1", "+1", " 1", "1 ", "1\n", "01", "-0", "1.0", "41", "Infinity"];
  for (const text of others) expect(() => parsed(wholeNumber(40), text)).toThrow(/wanted/);
  expect(() => parsed(wholeNumber(40), ["1", "2"])).toThrow();
});
