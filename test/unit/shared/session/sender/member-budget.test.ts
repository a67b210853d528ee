/** Goal: a member repeats what it can have lost. Method: sums by hand. */
import { expect, test } from "vitest";
import { MemberBudget } from "../../../../../shared/session/sender/member-budget.ts";

test("MemberBudget bounds what a member that claims no loss may ask for", () => {
  const budget = new MemberBudget();
  let charged = 0;
  for (let sent = 0; sent < 1e6; sent += 100) {
    if (!budget.spent) {
      budget.charge(192);
      charged += 192;
    }
    budget.grow(100, 0, 1);
  }
  expect(charged).toBeLessThan(1024 + 0.011 * 1e6 + 192);
});

test("MemberBudget lets a member of 5 % loss ask for all of it", () => {
  const budget = new MemberBudget();
  for (let sent = 0; sent < 1e6; sent += 200) {
    expect(budget.spent).toBe(false);
    budget.charge(11);
    budget.grow(200, 0.05, 1);
  }
});

test("MemberBudget.refund() never gives more than there was", () => {
  const budget = new MemberBudget();
  budget.charge(1500);
  expect(budget.spent).toBe(true);
  budget.refund(1000);
  expect(budget.spent).toBe(false);
  budget.refund(1e9);
  budget.charge(1024);
  expect(budget.spent).toBe(true);
});
