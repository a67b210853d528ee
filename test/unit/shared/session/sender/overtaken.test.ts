/** Goal: reordering is told from a restart. Method: numbers and times by hand. */
import { expect, test } from "vitest";
import { isOvertaken } from "../../../../../shared/session/sender/overtaken.ts";

test("isOvertaken() is true a little behind and soon after, also around 2^32", () => {
  const latest = { reportSeq: 5, describedAt: 100 };
  expect(isOvertaken(latest, 4, 200)).toBe(true);
  expect(isOvertaken(latest, 2 ** 32 - 1, 200)).toBe(true);
  expect(isOvertaken(latest, 6, 200)).toBe(false);
  expect(isOvertaken(latest, 4, 1200)).toBe(false);
  expect(isOvertaken({ reportSeq: 100, describedAt: 100 }, 0, 200)).toBe(false);
});
