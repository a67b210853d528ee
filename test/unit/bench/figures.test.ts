/**
 * Goal: the benchmark's medians and ratios say what happened.
 *
 * Method: made-up runs whose medians are plain to see, among them a wrong copy and a late one.
 */
import { expect, test } from "vitest";
import { cellsOf, markdownOf, median } from "../../bench/figures.ts";
import type { BenchRun } from "../../bench/figures.ts";

function run(system: string, seconds: number, more: Partial<BenchRun> = {}): BenchRun {
  return {
    system,
    n: 4,
    rate_mbit: 1000,
    loss_pct: 1,
    seconds,
    wire_overhead: 1.05,
    sender_cpu_s: 2,
    receiver_cpu_s_mean: 1,
    verified: true,
    timed_out: false,
    ...more,
  };
}

test("median() takes the middle, of two the mean", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test("cellsOf() counts only good runs and compares with the best peer of the same loss", () => {
  const cells = cellsOf([
    run("huck", 5),
    run("huck", 4),
    run("huck", 1, { verified: false }),
    run("huck", 6),
    run("slow", 20, { wire_overhead: 1.04 }),
    run("fast", 10, { wire_overhead: 1.25 }),
    run("fast", 1, { loss_pct: 0 }),
    run("broken", 1, { timed_out: true }),
  ]);
  expect(cells[0]).toMatchObject({
    system: "huck",
    good: 3,
    runs: 4,
    seconds: 5,
    secondsRatio: 0.5,
  });
  expect(cells[0]?.wireRatio).toBeCloseTo(1.05 / 1.04);
  expect(cells.find((cell) => cell.system === "broken")).toMatchObject({ good: 0, runs: 1 });
});

test("markdownOf() writes a dash where there is no peer to compare with", () => {
  const row = markdownOf(cellsOf([run("huck", 5)]))
    .trim()
    .split("\n")
    .at(-1);
  expect(row).toBe("| 1 | huck | 1/1 | 5.00 | - | 1.050 | - | 2.00 | 1.00 |");
});

test("markdownOf() writes a row for each cell, by loss", () => {
  const text = markdownOf(cellsOf([run("huck", 5), run("peer", 10, { loss_pct: 0 })]));
  const rows = text.trim().split("\n").slice(2);
  expect(rows.map((row) => row.split(" | ").slice(0, 2).join(" "))).toEqual([
    "| 0 peer",
    "| 1 huck",
  ]);
});
