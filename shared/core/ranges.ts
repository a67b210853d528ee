/**
 * Sorted, disjoint, half-open ranges of whole numbers: [start, end).
 *
 * The unit is the caller's (sectors, bytes, chunks). A list is *normal* if every range is
 * non-empty, starts ascend and neighbours do not touch. All functions here return normal lists;
 * those that take a normal list say so.
 */

/** A half-open run [start, end). On a disk it is an extent, in logical sectors. */
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
 * Subtracts ranges from ranges.
 *
 * @param from - A normal list.
 * @param holes - A normal list.
 * @returns The parts of `from` that lie in no hole; a normal list.
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
 * Cuts ranges to one span, without walking through those before it: a long list may be cut to many
 * spans.
 *
 * @param ranges - A normal list.
 * @param span - May be empty.
 * @returns The parts of `ranges` that lie in the span; a normal list.
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
 * @param ranges - A normal list.
 * @returns Number of units covered.
 */
export function totalOfRanges(ranges: readonly Range[]): number {
  let total = 0;
  for (const range of ranges) total += range.end - range.start;
  return total;
}

/**
 * @param outer - A normal list.
 * @param inner - A normal list.
 * @returns True if every unit of `inner` lies in `outer`.
 * @internal Exported for a test.
 */
export function rangesCover(outer: readonly Range[], inner: readonly Range[]): boolean {
  return subtractRanges(inner, outer).length === 0;
}
