/**
 * Goal: the benchmark's medians, spreads and ratios say what happened.
 *
 * Method: made-up runs whose figures are plain to see, among them wrong copies.
 */
import { expect, test } from "vitest";
import { cellsOf, comparisonsOf, spreadOf } from "../../bench/figures.ts";
import { benchRun as run, YARDSTICKS } from "./runs.ts";

test("spreadOf() interpolates quartiles and gives NaN for no values", () => {
  expect(spreadOf([4, 1, 2, 3, 5])).toEqual({
    min: 1,
    lowerQuartile: 2,
    median: 3,
    upperQuartile: 4,
    max: 5,
  });
  expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5);
  expect(spreadOf([]).median).toBeNaN();
});

test("cellsOf() counts only good runs and compares with the best peer of the same row", () => {
  const cells = cellsOf(
    [
      run("huck", 5),
      run("huck", 4),
      run("huck", 1, { isGood: false }),
      run("huck", 6),
      run("slow", 20, { outBytes: 104 }),
      run("fast", 10, { outBytes: 125 }),
      run("fast", 1, { row: "other" }),
      run("broken", 1, { isGood: false }),
    ],
    YARDSTICKS,
  );
  expect(cells[0]).toMatchObject({
    system: "huck",
    good: 3,
    runs: 4,
    seconds: { min: 4, median: 5, max: 6 },
    floorRatio: 1.25,
    secondsRatio: 0.5,
    outPerPayload: 1.05,
  });
  expect(cells[0]?.outRatio).toBeCloseTo(1.05 / 1.04);
  expect(cells.find(({ system }) => system === "broken")).toMatchObject({ good: 0, runs: 1 });
});

test("comparisonsOf() says slower only beyond 3 % and beyond the wider spread", () => {
  const verdictOf = (before: readonly number[], after: readonly number[]): boolean | undefined => {
    const runsOf = (seconds: readonly number[]) => seconds.map((one) => run("huck", one));
    return comparisonsOf(runsOf(before), runsOf(after))[0]?.isSlower;
  };
  expect(verdictOf([10, 10, 10], [10.2, 10.2, 10.2])).toBe(false);
  expect(verdictOf([10, 10, 10], [10.5, 10.5, 10.5])).toBe(true);
  expect(verdictOf([8, 10, 12], [9, 10.5, 12])).toBe(false);
  expect(verdictOf([10, 10, 10], [9, 9, 9])).toBe(false);
});

test("comparisonsOf() leaves out runs with wrong copies and pairs rows and programs", () => {
  const before = [run("huck", 10), run("huck", 1, { isGood: false }), run("huck-auto", 4)];
  const after = [run("huck", 5), run("huck-auto", 8)];
  expect(comparisonsOf(before, after)).toMatchObject([
    { row: "row", system: "huck", before: { median: 10 }, after: { median: 5 }, ratio: 0.5 },
    { row: "row", system: "huck-auto", ratio: 2 },
  ]);
});
