/**
 * From runs to figures: medians of a cell, and ratios to the best peer of the same cell.
 *
 * The idea: a run in which any receiver's copy was wrong or late is no run; a cell says how many
 * were good, and only those count.
 */

/** What the harness prints of one run; the fields used here. */
export interface BenchRun {
  readonly system: string;
  readonly skipped?: boolean;
  readonly n: number;
  readonly rate_mbit: number;
  readonly loss_pct: number;
  readonly seconds: number;
  readonly wire_overhead: number;
  readonly sender_cpu_s: number;
  readonly receiver_cpu_s_mean: number;
  readonly verified: boolean | string;
  readonly timed_out: boolean;
}

/** One system at one loss. */
export interface Cell {
  readonly system: string;
  readonly lossPercent: number;
  /** Runs in which every copy was right, and all runs. */
  readonly good: number;
  readonly runs: number;
  /** Medians over the good runs. */
  readonly seconds: number;
  /** Bytes on the wire a byte of payload. */
  readonly wire: number;
  readonly senderCpuSeconds: number;
  readonly receiverCpuSeconds: number;
  /** Against the fastest and the thriftiest system that is not huck; less than 1 is better. */
  readonly secondsRatio: number;
  readonly wireRatio: number;
}

/**
 * Gathers runs into cells.
 *
 * @param runs - In any order.
 * @returns One cell for each system and loss, in order of first appearance.
 */
export function cellsOf(runs: readonly BenchRun[]): readonly Cell[] {
  const groups = new Map<string, BenchRun[]>();
  for (const run of runs) {
    const key = `${run.loss_pct} ${run.system}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const cells = [...groups.values()].map((group) => cellOf(group));
  return cells.map((cell) => {
    const peers = cells.filter(
      (other) => other.lossPercent === cell.lossPercent && !other.system.startsWith("huck"),
    );
    return {
      ...cell,
      secondsRatio: cell.seconds / least(peers.map((peer) => peer.seconds)),
      wireRatio: cell.wire / least(peers.map((peer) => peer.wire)),
    };
  });
}

/**
 * Writes cells as a table.
 *
 * @param cells - From {@link cellsOf}.
 * @returns Markdown.
 */
export function markdownOf(cells: readonly Cell[]): string {
  const head = [
    "| loss % | system | good runs | s | to best peer | wire/payload | to best peer " +
      "| sender CPU s | receiver CPU s |",
    "|---|---|---|---|---|---|---|---|---|",
  ];
  const rows = [...cells]
    .sort((left, right) => left.lossPercent - right.lossPercent)
    .map((cell) =>
      [
        cell.lossPercent,
        cell.system,
        `${cell.good}/${cell.runs}`,
        figure(cell.seconds, 2),
        figure(cell.secondsRatio, 2),
        figure(cell.wire, 3),
        figure(cell.wireRatio, 3),
        figure(cell.senderCpuSeconds, 2),
        figure(cell.receiverCpuSeconds, 2),
      ].join(" | "),
    );
  return `${[...head, ...rows.map((row) => `| ${row} |`)].join("\n")}\n`;
}

/**
 * The middle value.
 *
 * @param values - Any order.
 * @returns The median, the mean of the middle two; NaN for none.
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

function cellOf(group: readonly BenchRun[]): Cell {
  const good = group.filter((run) => run.verified === true && !run.timed_out);
  const middle = (pick: (run: BenchRun) => number): number => median(good.map(pick));
  return {
    system: group[0]?.system ?? "",
    lossPercent: group[0]?.loss_pct ?? 0,
    good: good.length,
    runs: group.length,
    seconds: middle((run) => run.seconds),
    wire: middle((run) => run.wire_overhead),
    senderCpuSeconds: middle((run) => run.sender_cpu_s),
    receiverCpuSeconds: middle((run) => run.receiver_cpu_s_mean),
    secondsRatio: Number.NaN,
    wireRatio: Number.NaN,
  };
}

/** Peers without a good run have no figure to be compared with; without any there is no ratio. */
function least(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? Number.NaN : Math.min(...known);
}

function figure(value: number, digits: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(digits);
}
