/**
 * Sorted, disjoint, half-open ranges of whole numbers: [start, end).
 *
 * The unit is the caller's (sectors, bytes, chunks). A list is *normal* when every range is
 * non-empty, starts ascend and neighbours do not touch; all functions here give normal lists, and
 * those that say so demand them.
 */

/** A half-open run [start, end). On a disk it is an extent and its unit is the logical sector. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Sorts ranges, drops empty ones and joins those that overlap or touch.
 *
 * @param ranges - In any order; `end <= start` means empty.
 * @returns A normal list.
 */
export function normalRanges(ranges: Iterable<Range>): Range[] {
  const sorted = [...ranges].filter((range) => range.end > range.start);
  sorted.sort((left, right) => left.start - right.start);
  const result: { start: number; end: number }[] = [];
  for (const { start, end } of sorted) {
    const last = result.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/**
 * Takes ranges away from ranges.
 *
 * @param from - A normal list.
 * @param holes - A normal list.
 * @returns What of `from` lies in no hole; a normal list.
 */
export function subtractRanges(from: readonly Range[], holes: readonly Range[]): Range[] {
  const result: Range[] = [];
  let hole = 0;
  for (const range of from) {
    let start = range.start;
    while (hole > 0 && (holes[hole - 1]?.end ?? 0) > start) hole -= 1;
    for (; start < range.end; hole += 1) {
      const next = holes[hole];
      if (next === undefined || next.start >= range.end) break;
      if (next.start > start) result.push({ start, end: next.start });
      start = Math.max(start, next.end);
    }
    if (start < range.end) result.push({ start, end: range.end });
  }
  return result;
}

/**
 * Cuts ranges to what lies inside other ranges.
 *
 * @param left - A normal list.
 * @param right - A normal list.
 * @returns The common part; a normal list.
 */
export function intersectRanges(left: readonly Range[], right: readonly Range[]): Range[] {
  const result: Range[] = [];
  let leftIndex = 0;
  let rightIndex = 0;
  while (leftIndex < left.length && rightIndex < right.length) {
    const one = left[leftIndex];
    const two = right[rightIndex];
    if (one === undefined || two === undefined) break;
    const start = Math.max(one.start, two.start);
    const end = Math.min(one.end, two.end);
    if (start < end) result.push({ start, end });
    if (one.end < two.end) leftIndex += 1;
    else rightIndex += 1;
  }
  return normalRanges(result);
}

/**
 * Cuts ranges to one span, without looking at those before it: a long list may be asked for many
 * spans.
 *
 * @param ranges - A normal list.
 * @param span - Where to cut; may be empty.
 * @returns What of `ranges` lies in the span; a normal list.
 */
export function rangesWithin(ranges: readonly Range[], span: Range): Range[] {
  let low = 0;
  for (let high = ranges.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.end ?? Infinity) > span.start) high = middle;
    else low = middle + 1;
  }
  const result: Range[] = [];
  if (span.end <= span.start) return result;
  for (let at = low; (ranges[at]?.start ?? Infinity) < span.end; at += 1) {
    const { start, end } = ranges[at] ?? span;
    result.push({ start: Math.max(start, span.start), end: Math.min(end, span.end) });
  }
  return result;
}

/**
 * Adds up lengths.
 *
 * @param ranges - A normal list.
 * @returns The number of units covered.
 */
export function totalOfRanges(ranges: readonly Range[]): number {
  let total = 0;
  for (const range of ranges) total += range.end - range.start;
  return total;
}

/**
 * Tells whether one list covers another.
 *
 * @param outer - A normal list.
 * @param inner - A normal list.
 * @returns True when every unit of `inner` lies in `outer`.
 * @internal A test looks at it.
 */
export function rangesCover(outer: readonly Range[], inner: readonly Range[]): boolean {
  return subtractRanges(inner, outer).length === 0;
}
