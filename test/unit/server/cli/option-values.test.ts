/**
 * Goal: options are taken as people type them, and anything else is refused with exit code 2, in a
 * message that says what was typed and what is wanted.
 *
 * Method: tables of texts and values.
 */
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  choiceOption,
  groupOption,
  durationOption,
  nameOption,
  rateOption,
  wholeOption,
} from "../../../../server/cli/option-values.ts";

const refusal: unknown = expect.objectContaining({ code: "usage", exitCode: 2 });

function messageFor(read: (text: string) => unknown, text: string): string {
  try {
    read(text);
  } catch (thrown) {
    if (thrown instanceof Error) return thrown.message;
  }
  return "";
}

describe("rateOption()", () => {
  const read = rateOption("--rate");
  test.each([
    ["900M", 900e6],
    ["1.5G", 1.5e9],
    ["250k", 250e3],
    ["100000", 1e5],
    ["0.0011G", 1.1e6],
  ])("reads %s", (text, value) => {
    expect(read(text)).toBe(value);
  });
  test.each(["", "fast", "-1M", "1T", "1 M", "99k", "NaN", "1e9", "101G"])("refuses %j", (text) => {
    expect(() => read(text)).toThrow(refusal);
  });
  test("says what a number without a unit lacks", () => {
    const bounds = { least: 1e6, most: 1e11 };
    expect(messageFor(rateOption("--rate", bounds), "500")).toBe(
      'Cannot use --rate "500": bits per second from 1M to 100G wanted',
    );
  });
});

describe("durationOption()", () => {
  const read = durationOption("--wait");
  test.each([
    ["90", 90_000],
    ["1.5", 1500],
    ["0", 0],
    ["90s", 90_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["250ms", 250],
  ])("reads %s", (text, ms) => {
    expect(read(text)).toBe(ms);
  });
  test.each(["", "-1", "soon", "1d", "1e3", "Infinity", "5 m", "5M", "1m30s"])(
    "refuses %j",
    (text) => {
      expect(() => read(text)).toThrow(refusal);
    },
  );
  test("keeps to its bounds and names them", () => {
    const bounded = durationOption("--timeout", { least: 10_000, most: 86_400_000 });
    expect([bounded("10"), bounded("24h")]).toEqual([10_000, 86_400_000]);
    expect(messageFor(bounded, "9s")).toBe(
      'Cannot use --timeout "9s": a time, at least 10s, at most 24h wanted',
    );
    expect(() => bounded("25h")).toThrow(refusal);
  });
});

describe("wholeOption()", () => {
  const read = wholeOption("--port", { least: 1, most: 5 });
  test("takes both bounds", () => {
    expect([read("1"), read("5")]).toEqual([1, 5]);
  });
  test.each(["0", "6", "", "1.5", "-1", "0x1", "two"])("refuses %j", (text) => {
    expect(() => read(text)).toThrow(refusal);
  });
});

test("choiceOption() takes one of its words and names them all otherwise", () => {
  const read = choiceOption("--verify", ["flush", "sample", "full"]);
  expect(read("full")).toBe("full");
  expect(messageFor(read, "ful")).toBe('Cannot use --verify "ful": flush, sample or full wanted');
});

test("nameOption() takes what the schema takes and repeats what it wants", () => {
  const read = nameOption("--image", z.string().regex(/^[a-z]+$/, "small letters"));
  expect(read("ubuntu")).toBe("ubuntu");
  expect(messageFor(read, "Ubuntu 24")).toBe(
    'Cannot use --image "Ubuntu 24": small letters wanted',
  );
});

test("groupOption() takes multicast addresses only", () => {
  const read = groupOption("--group");
  expect(["224.0.0.1", "239.255.255.255"].map(read)).toEqual(["224.0.0.1", "239.255.255.255"]);
  for (const text of ["10.0.0.1", "223.255.255.255", "240.0.0.1", "239.1", "ff02::1", "lab"]) {
    expect(() => read(text)).toThrow(refusal);
  }
});
