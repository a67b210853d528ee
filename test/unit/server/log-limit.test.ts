/**
 * Goal: nobody on the network fills the log, and nothing is left out without a word. Method:
 * made-up floods in made-up time.
 */
import { expect, test } from "vitest";
import { LogLimit } from "../../../server/log-limit.ts";

test("LogLimit.take() bounds one kind of line and says how many were left out", () => {
  const limit = new LogLimit(0);
  const first = Array.from({ length: 1000 }, () => limit.take("n1 script_fetched", 0));
  expect(first.filter((one) => one !== undefined)).toHaveLength(10);
  expect(limit.take("n2 script_fetched", 0)).toBe(0);
  expect(limit.take("n1 script_fetched", 5001)).toBe(990);
});

test("LogLimit.take() bounds all lines together, of however many kinds", () => {
  const limit = new LogLimit(0);
  let written = 0;
  for (let index = 0; index < 200_000; index += 1) {
    if (limit.take(`kind ${index}`, index / 10) !== undefined) written += 1; // 20 s
  }
  expect(written).toBeLessThanOrEqual(4000 + 20 * 20);
});
