/** Goal: an allowance gives what it may and no more. Method: times by hand. */
import { expect, test } from "vitest";
import { Allowance } from "../../../../../shared/session/sender/allowance.ts";

test("Allowance.take() gives so much at once, and so much per second from then on", () => {
  const allowance = new Allowance(10, 3);
  const taken = (now: number): number => {
    let count = 0;
    while (allowance.take(1, now)) count += 1;
    return count;
  };
  expect(taken(0)).toBe(3);
  expect(taken(99)).toBe(0);
  expect(taken(100)).toBe(1);
  expect(taken(1e9)).toBe(3);
  expect(taken(5)).toBe(0);
});
