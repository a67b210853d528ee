/**
 * Goal: options are taken as people type them, and anything else is refused with exit code 2.
 *
 * Method: tables of texts and values.
 */
import { describe, expect, test } from "vitest";
import { rateOption, secondsOption, wholeOption } from "../../../../server/cli/option-values.ts";

const refusal: unknown = expect.objectContaining({ code: "usage", exitCode: 2 });

describe("rateOption()", () => {
  test.each([
    ["900M", 900e6],
    ["1.5G", 1.5e9],
    ["250k", 250e3],
    ["100000", 1e5],
  ])("reads %s", (text, value) => {
    expect(rateOption(text, "--rate")).toBe(value);
  });
  test.each(["", "fast", "-1M", "1T", "1 M", "99k", "NaN", "1e9"])("refuses %j", (text) => {
    expect(() => rateOption(text, "--rate")).toThrow(refusal);
  });
});

describe("secondsOption()", () => {
  test("gives milliseconds", () => {
    expect(secondsOption("1.5", "--wait")).toBe(1500);
    expect(secondsOption("0", "--wait")).toBe(0);
  });
  test.each(["", "-1", "soon", "1s", "1e3", "Infinity"])("refuses %j", (text) => {
    expect(() => secondsOption(text, "--wait")).toThrow(refusal);
  });
});

describe("wholeOption()", () => {
  test("takes 1 to the most", () => {
    expect(wholeOption("1", "--port", 5)).toBe(1);
    expect(wholeOption("5", "--port", 5)).toBe(5);
  });
  test.each(["0", "6", "", "1.5", "-1", "0x1", "two"])("refuses %j", (text) => {
    expect(() => wholeOption(text, "--port", 5)).toThrow(refusal);
  });
});
