/**
 * Goal: the benchmark's tables show every figure in its column, and a dash where there is none.
 *
 * Method: made-up runs, and rows compared with what one would write by hand.
 */
import { expect, test } from "vitest";
import { cellsOf, comparisonsOf } from "../../bench/figures.ts";
import { comparisonTableOf, tableOf } from "../../bench/table.ts";
import { benchRun as run, YARDSTICKS } from "./runs.ts";

function lastLine(table: string): string | undefined {
  return table.trim().split("\n").at(-1);
}

test("tableOf() writes a dash where there is no peer to compare with", () => {
  const cells = cellsOf([run("huck", 5), run("huck", 6)], YARDSTICKS);
  expect(lastLine(tableOf(cells))).toBe(
    "| row | huck | 2/2 | 5.50 (5.00-6.00) | 1.38 | - | 1.050 | - | 2.00 | 1.00 | 10 % |",
  );
});

test("tableOf() writes dashes for a program without a good run", () => {
  const cells = cellsOf([run("peer", 5, { isGood: false })], YARDSTICKS);
  expect(lastLine(tableOf(cells))).toMatch(/^\| row \| peer \| 0\/1( \| -){8} \|$/);
});

test("comparisonTableOf() writes both spreads, the ratio and a verdict", () => {
  const table = comparisonTableOf(comparisonsOf([run("huck", 5)], [run("huck", 6)]));
  expect(lastLine(table)).toBe(
    "| row | huck | 5.00 (5.00-5.00) | 6.00 (6.00-6.00) | 1.200 | slower |",
  );
});
