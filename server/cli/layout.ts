/**
 * Lays out text for screens of any width: tables, wrapped lines, lines that are cut.
 *
 * No line is broken in the middle of a word. On a narrow screen a table first wraps its last
 * column, then leaves out the columns that matter least, then puts the last one below the others. A
 * single word that is longer than the screen stays whole. Unit of all widths: characters; Infinity
 * for a pipe.
 */

/** Where a table goes. */
export interface TableRoom {
  readonly columns: number;
  /** Headings of columns that may be left out, the least important first. */
  readonly drop: readonly string[];
}

/**
 * Lays out columns in lines without trailing blanks. The first row is the heading, and the last
 * column is the text.
 */
export function table(
  rows: readonly (readonly string[])[],
  room: TableRoom = { columns: Infinity, drop: [] },
): string[] {
  const { columns, drop } = room;
  const [head = []] = rows;
  let kept = head.map((_, index) => index);
  for (const heading of drop) {
    if (fits(rows, kept, columns)) break;
    kept = kept.filter((index) => head[index] !== heading);
  }
  const isBeside = fits(rows, kept, columns);
  const left = kept.slice(0, -1);
  const widths = left.map((index) => widthOf(rows, index));
  return rows.flatMap((row) => {
    const before = left.map((index, at) => (row[index] ?? "").padEnd(widths[at] ?? 0) + GAP);
    const text = row[kept.at(-1) ?? 0] ?? "";
    const start = before.join("");
    if (isBeside) return besides(start, wrapped(text, columns - start.length));
    const below = text === "" ? [] : wrapped(text, columns - GAP.length);
    return [...wrapped(start.trimEnd(), columns), ...below.map((line) => GAP + line)];
  });
}

/**
 * Breaks a line at blanks. The first line keeps its indentation.
 *
 * @param indent - Put before all lines but the first.
 */
export function wrapped(text: string, columns: number, indent = ""): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > columns) {
    const from = rest.length - rest.trimStart().length;
    const within = rest.lastIndexOf(" ", columns);
    const cut = within > from ? within : rest.indexOf(" ", Math.max(columns, from));
    if (cut < 0) break;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = indent + rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}

/** Cuts a line at a blank so that it fits, and marks the cut; a lone word is cut anywhere. */
export function clipped(text: string, columns: number): string {
  if (text.length <= columns) return text;
  const room = columns - CUT.length;
  const blank = text.lastIndexOf(" ", room);
  return `${text.slice(0, blank > 0 ? blank : Math.max(0, room)).trimEnd()}${CUT}`.slice(
    0,
    columns,
  );
}

/** Whether the last of the kept columns has room for its text beside the others. */
function fits(
  rows: readonly (readonly string[])[],
  kept: readonly number[],
  columns: number,
): boolean {
  const last = kept.at(-1) ?? 0;
  const widths = kept.slice(0, -1).map((index) => widthOf(rows, index) + GAP.length);
  const space = columns - widths.reduce((sum, width) => sum + width, 0);
  if (columns === Infinity) return true;
  const longest = longestOf(rows.flatMap((row) => (row[last] ?? "").split(" ")));
  return space >= Math.min(widthOf(rows, last), Math.max(TEXT_COLUMNS_MIN, longest));
}

function besides(start: string, lines: readonly string[]): string[] {
  const indent = " ".repeat(start.length);
  return lines.map((line, index) => `${index === 0 ? start : indent}${line}`.trimEnd());
}

function widthOf(rows: readonly (readonly string[])[], index: number): number {
  return longestOf(rows.map((row) => row[index] ?? ""));
}

/** @returns Length of the longest text. A table may have more than a function takes arguments. */
function longestOf(texts: readonly string[]): number {
  return texts.reduce((longest, text) => Math.max(longest, text.length), 0);
}

const GAP = "  ";
const CUT = "...";
/** A text in fewer columns is tiring to read. */
const TEXT_COLUMNS_MIN = 20;
