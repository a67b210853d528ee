/** Goal: an address has one vote. Method: groups by hand. */
import { expect, test } from "vitest";
import { shares, weightedMedian } from "../../../../../shared/session/sender/vote.ts";

interface One {
  readonly remote: { readonly address: string; readonly port: number };
  readonly value: number;
  vote: number;
}

function group(...values: readonly (readonly [string, number])[]): One[] {
  const all = values.map(([address, value]) => ({ remote: { address, port: 1 }, value, vote: 1 }));
  shares(all);
  return all;
}

function median(all: readonly One[]): number {
  return weightedMedian(all, ({ value }) => value, 7);
}

test("weightedMedian() takes the greater of two middle values", () => {
  expect(median(group(["a", 1], ["b", 9]))).toBe(9);
  expect(median(group(["a", 3], ["b", 1], ["c", 2]))).toBe(2);
  expect(median(group(["a", 3], ["a", 1], ["a", 2]))).toBe(2);
  expect(median([])).toBe(7);
});

test("shares() leave a crowd of one address the vote of one", () => {
  const crowd = Array.from({ length: 200 }, () => ["evil", 0] as const);
  expect(median(group(["a", 5], ["b", 5], ...crowd))).toBe(5);
});
