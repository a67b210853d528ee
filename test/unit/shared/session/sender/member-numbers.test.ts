/** Goal: numbers for those who may come, and no others. Method: orders and boots by hand. */
import { expect, test } from "vitest";
import { seededRandom } from "../../../../../shared/core/random.ts";
import {
  MEMBER_PLACES,
  MemberNumbers,
  admissionBy,
} from "../../../../../shared/session/sender/member-numbers.ts";

const random = seededRandom(1);
const draw = (): number => random.u32();

test("MemberNumbers.give() repeats itself to a boot, and replaces an earlier boot's", () => {
  const numbers = new MemberNumbers();
  const admission = admissionBy(numbers.table);
  if (admission.by !== "server") throw new Error("who gives them?");
  const first = numbers.give("order", "boot 1", draw) ?? 0;
  expect(numbers.give("order", "boot 1", draw)).toBe(first);
  expect(admission.admits(first)).toBe(true);
  const second = numbers.give("order", "boot 2", draw) ?? 0;
  expect([admission.admits(first), admission.admits(second)]).toEqual([false, true]);
  expect([0, 1, second + 1].map((number) => admission.admits(number))).toEqual([
    false,
    false,
    false,
  ]);
  numbers.takeBack("order");
  numbers.takeBack("order");
  expect(admission.admits(second)).toBe(false);
});

test("MemberNumbers has a place for each that can come, and gives it to the next", () => {
  const numbers = new MemberNumbers();
  for (let order = 0; order < MEMBER_PLACES; order += 1) {
    expect(numbers.give(`${order}`, "boot", draw)).toBeGreaterThan(0);
  }
  expect(numbers.give("one more", "boot", draw)).toBeUndefined();
  expect(numbers.give("7", "another boot", draw)).toBeGreaterThan(0);
  numbers.takeBack("8");
  expect(numbers.give("one more", "boot", draw)).toBeGreaterThan(0);
});
