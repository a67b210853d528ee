/**
 * From runs to figures: medians and spreads of each program in each row, and ratios between them.
 *
 * A run in which any copy was wrong or late is no run: a cell says how many were good, and only
 * those count.
 */

/** One run of one program in one row. */
export interface BenchRun {
  readonly row: string;
  readonly system: string;
  readonly seconds: number;
  /** Every copy was complete and right. */
  readonly isGood: boolean;
  /** The file; of a file system, its used blocks. */
  readonly payloadBytes: number;
  /** What the sender put on the wire; of a save, the image. */
  readonly outBytes: number;
  /** Frames that the receivers sent. */
  readonly upFrames: number;
  /** Datagrams lost in full socket buffers of receivers. */
  readonly overflows: number;
  /** Of a save or restore, of the whole pipe. */
  readonly senderCpuSeconds: number;
  /** Mean of all receivers. */
  readonly receiverCpuSeconds: number;
  /** The largest process. */
  readonly memoryMib: number;
  /** Share of all processor time that others took meanwhile. */
  readonly foreignCpuShare: number;
}

/** Five numbers that tell where the values lie; NaN without any. */
export interface Spread {
  readonly min: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly max: number;
}

/** One program in one row. Medians over the good runs. */
export interface Cell {
  readonly row: string;
  readonly system: string;
  readonly good: number;
  readonly runs: number;
  readonly seconds: Spread;
  /** To the shortest time in which the link can carry it. */
  readonly floorRatio: number;
  /** To the fastest and the thriftiest peer of the row; less than 1 is better. */
  readonly secondsRatio: number;
  readonly outRatio: number;
  /** Bytes on the wire, or in the image, for a byte of payload. */
  readonly outPerPayload: number;
  readonly senderCpuSeconds: number;
  readonly receiverCpuSeconds: number;
  readonly foreignCpuShare: number;
}

/** What cells are compared with. */
export interface Yardsticks {
  readonly isPeer: (system: string) => boolean;
  /** Unit: seconds; NaN when the row has none. */
  readonly floorOf: (row: string) => number;
}

/** The same program of two checkouts in one row. */
export interface Comparison {
  readonly row: string;
  readonly system: string;
  readonly before: Spread;
  readonly after: Spread;
  /** Medians, after to before. */
  readonly ratio: number;
  /** Slower by more than 3 % and by more than the wider of the two interquartile ranges. */
  readonly isSlower: boolean;
}

/** Seconds may rise by this share before anybody calls it slower. */
const TOLERANCE = 0.03;

/**
 * Gathers runs into cells.
 *
 * @param runs - In any order.
 * @returns One cell for each row and system, in order of first appearance, rows together.
 */
export function cellsOf(runs: readonly BenchRun[], yardsticks: Yardsticks): readonly Cell[] {
  const rows = [...new Set(runs.map(({ row }) => row))];
  return rows.flatMap((row) => {
    const ofRow = runs.filter((run) => run.row === row);
    const systems = [...new Set(ofRow.map(({ system }) => system))];
    const floor = yardsticks.floorOf(row);
    const cells = systems.map((system) => {
      return cellOf(ofRow.filter((run) => run.system === system));
    });
    const peers = cells.filter(({ system }) => yardsticks.isPeer(system));
    const fastest = least(peers.map(({ seconds }) => seconds.median));
    const thriftiest = least(peers.map(({ outPerPayload }) => outPerPayload));
    return cells.map((cell) => ({
      ...cell,
      floorRatio: cell.seconds.median / floor,
      secondsRatio: cell.seconds.median / fastest,
      outRatio: cell.outPerPayload / thriftiest,
    }));
  });
}

/**
 * Compares two checkouts.
 *
 * @param before - Runs of the other checkout.
 * @param after - Runs of this one, of the same rows and systems.
 */
export function comparisonsOf(
  before: readonly BenchRun[],
  after: readonly BenchRun[],
): readonly Comparison[] {
  const keys = new Map(after.map(({ row, system }) => [`${row} ${system}`, { row, system }]));
  return [...keys.values()].map(({ row, system }) => {
    const secondsOf = (runs: readonly BenchRun[]): Spread =>
      spreadOf(
        runs
          .filter((run) => run.row === row && run.system === system && run.isGood)
          .map((run) => run.seconds),
      );
    const [old, now] = [secondsOf(before), secondsOf(after)];
    const width = Math.max(rangeOf(old), rangeOf(now));
    const excess = now.median - old.median;
    return {
      row,
      system,
      before: old,
      after: now,
      ratio: now.median / old.median,
      isSlower: excess > TOLERANCE * old.median && excess > width,
    };
  });
}

/**
 * Where values lie; quartiles are interpolated.
 *
 * @param values - In any order.
 */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)] ?? Number.NaN;
    const high = sorted[Math.ceil(place)] ?? Number.NaN;
    return low + (high - low) * (place - Math.floor(place));
  };
  return {
    min: at(0),
    lowerQuartile: at(0.25),
    median: at(0.5),
    upperQuartile: at(0.75),
    max: at(1),
  };
}

function cellOf(group: readonly BenchRun[]): Cell {
  const good = group.filter((run) => run.isGood);
  const middle = (pick: (run: BenchRun) => number): number => spreadOf(good.map(pick)).median;
  return {
    row: group[0]?.row ?? "",
    system: group[0]?.system ?? "",
    good: good.length,
    runs: group.length,
    seconds: spreadOf(good.map((run) => run.seconds)),
    floorRatio: Number.NaN,
    secondsRatio: Number.NaN,
    outRatio: Number.NaN,
    outPerPayload: middle((run) => run.outBytes / run.payloadBytes),
    senderCpuSeconds: middle((run) => run.senderCpuSeconds),
    receiverCpuSeconds: middle((run) => run.receiverCpuSeconds),
    foreignCpuShare: middle((run) => run.foreignCpuShare),
  };
}

/** Peers without a good run have no figure to be compared with; without any there is no ratio. */
function least(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? Number.NaN : Math.min(...known);
}

function rangeOf(spread: Spread): number {
  return spread.upperQuartile - spread.lowerQuartile;
}
