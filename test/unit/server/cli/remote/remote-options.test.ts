/**
 * Goal: texts of options become values or usage errors. Method: tables.
 */
import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import * as z from "zod";
import { bitsPerSecond, valueOf } from "../../../../../server/cli/remote/remote-options.io.ts";

test.each([
  ["500M", 5e8],
  ["1.5G", 1.5e9],
  ["64k", 64_000],
  ["7", 7],
  ["", NaN],
  ["-1M", NaN],
  ["1e9", NaN],
])("bitsPerSecond() reads %s", (text, wanted) => {
  expect(bitsPerSecond(text)).toBe(wanted);
});

test("valueOf() gives the parsed value and refuses with commander's own error", () => {
  const parse = valueOf(z.number().int().max(9), Number);
  expect(parse("7")).toBe(7);
  for (const bad of ["10", "x", "1.5"]) expect(() => parse(bad)).toThrow(InvalidArgumentError);
});
