/** Writes the benchmark's figures as Markdown tables; README.md says how to read them. */
import type { Cell, Comparison, Spread } from "./figures.ts";

const CELL_HEAD = [
  "row",
  "program",
  "good runs",
  "s, median (min-max)",
  "to floor",
  "to best peer",
  "out/payload",
  "to best peer",
  "sender CPU s",
  "receiver CPU s",
  "others' CPU",
];
const COMPARISON_HEAD = [
  "row",
  "program",
  "before, s (quartiles)",
  "after, s (quartiles)",
  "ratio",
  "verdict",
];

/**
 * The table of a campaign.
 *
 * @returns Markdown; a dash where there is nothing to compare with.
 */
export function tableOf(cells: readonly Cell[]): string {
  const rows = cells.map((cell) => [
    cell.row,
    cell.system,
    `${cell.good}/${cell.runs}`,
    spread(cell.seconds.median, cell.seconds.min, cell.seconds.max),
    figure(cell.floorRatio, 2),
    figure(cell.secondsRatio, 2),
    figure(cell.outPerPayload, 3),
    figure(cell.outRatio, 3),
    figure(cell.senderCpuSeconds, 2),
    figure(cell.receiverCpuSeconds, 2),
    figure(cell.foreignCpuShare * 100, 0, " %"),
  ]);
  return markdown(CELL_HEAD, rows);
}

/**
 * The table of a comparison of two checkouts.
 *
 * @returns Markdown.
 */
export function comparisonTableOf(comparisons: readonly Comparison[]): string {
  const quartiles = (one: Spread): string =>
    spread(one.median, one.lowerQuartile, one.upperQuartile);
  const rows = comparisons.map((one) => [
    one.row,
    one.system,
    quartiles(one.before),
    quartiles(one.after),
    figure(one.ratio, 3),
    one.isSlower ? "slower" : Number.isNaN(one.ratio) ? "-" : "not slower",
  ]);
  return markdown(COMPARISON_HEAD, rows);
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function spread(middle: number, low: number, high: number): string {
  if (Number.isNaN(middle)) return "-";
  return `${figure(middle, 2)} (${figure(low, 2)}-${figure(high, 2)})`;
}

function figure(value: number, digits: number, unit = ""): string {
  return Number.isNaN(value) ? "-" : `${value.toFixed(digits)}${unit}`;
}
