/**
 * Goal: no MAC gets more than 10 and strangers together no more than 500 messages a second.
 * Method: greedy senders in virtual time.
 */
import { expect, test } from "vitest";
import {
  PER_MAC_PER_SECOND,
  RateLimit,
  UNKNOWN_PER_SECOND,
} from "../../../../../server/boot/dhcp/rate.ts";

test("RateLimit.takeFrom() allows a burst, then 10 a second, for each MAC by itself", () => {
  const rate = new RateLimit(0);
  let granted = 0;
  for (let now = 0; now < 5000; now += 5) granted += rate.takeFrom("a", now) ? 1 : 0;
  expect(granted).toBe(PER_MAC_PER_SECOND + 5 * PER_MAC_PER_SECOND - 1);
  expect(rate.takeFrom("b", 5000)).toBe(true);
});

test("RateLimit.takeStranger() bounds all strangers together and costs no node anything", () => {
  const rate = new RateLimit(0);
  let granted = 0;
  for (let index = 0; index < 10_000; index += 1) granted += rate.takeStranger(0) ? 1 : 0;
  expect(granted).toBe(UNKNOWN_PER_SECOND);
  expect(rate.takeFrom("a", 0)).toBe(true);
  expect(rate.takeStranger(1)).toBe(false);
  expect(rate.takeStranger(3)).toBe(true);
});

test("RateLimit.takeStranger() gives nothing for a clock that goes backwards", () => {
  const rate = new RateLimit(1000);
  while (rate.takeStranger(1000));
  expect(rate.takeStranger(0)).toBe(false);
});
