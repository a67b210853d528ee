/**
 * The terminal: every line that a verb prints goes through this file, also the live lines.
 *
 * Texts come from nodes, images and servers. So that they cannot move the cursor, colour the screen
 * or turn the direction of writing, only our own control characters leave this file. Live lines are
 * redrawn in place. Where that is impossible (a pipe, TERM=dumb) they are not shown, and callers
 * print a line per event instead. We print no colours, so NO_COLOR has nothing to switch off.
 */
import { clipped, wrapped } from "./layout.ts";

/** Where text is written: process.stdout, process.stderr, or an object of a test. */
export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** What `--json` prints on a line: an object whose `kind` tells programs its other members. */
export type JsonLine = Readonly<Record<string, unknown>> & { readonly kind: string };

/** Room for live lines. Unit: characters. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

/** The live lines on one screen, which standard output and standard error may share. */
export class LiveLines {
  #rows = 0;
  #output: TextOutput | undefined;

  /** Removes the lines that {@link LiveLines.show} drew and puts the cursor where they began. */
  clear(): void {
    if (this.#rows > 0) this.#output?.write(`\u001b[${this.#rows}A\r\u001b[J`);
    this.#rows = 0;
  }

  /**
   * Draws lines at the cursor, which is below them afterwards.
   *
   * @param lines - Printable, none wider than the screen.
   * @param output - A terminal.
   */
  show(lines: readonly string[], output: TextOutput): void {
    this.clear();
    if (lines.length > 0) output.write(`${lines.join("\n")}\n`);
    this.#rows = lines.length;
    this.#output = output;
  }

  /** Leaves the lines on the screen for good. */
  keep(): void {
    this.#rows = 0;
  }
}

/** One output of this process. */
export class Terminal {
  /** True if live lines can be redrawn in place. */
  readonly isLive: boolean;
  readonly #output: TextOutput;
  readonly #liveLines: LiveLines;

  /**
   * @param output - Written to at once, so that nothing is lost when the process ends.
   * @param liveLines - Those of the screen that it writes to.
   * @param type - Value of $TERM.
   */
  constructor(output: TextOutput, liveLines: LiveLines, type: string | undefined) {
    this.#output = output;
    this.#liveLines = liveLines;
    this.isLive = output.isTTY === true && type !== "dumb";
  }

  /**
   * Room for live lines now. For a terminal that does not know its size (0x0), 80x24 is assumed.
   */
  get room(): Room {
    const { columns = 0, rows = 0 } = this.#output;
    // the cursor is below the lines, so it needs one row of the screen
    return { columns: columns || COLUMNS_DEFAULT, rows: Math.max(2, (rows || ROWS_DEFAULT) - 1) };
  }

  /** Width of lines that stay: that of the terminal, or Infinity for a pipe or file. */
  get columns(): number {
    return this.#output.isTTY === true ? this.room.columns : Infinity;
  }

  /**
   * Prints a line that stays; on a terminal, one that is too wide is broken between words. Live
   * lines are cleared first. Characters that are not printable become "?", including line breaks.
   */
  print(line: string): void {
    this.#liveLines.clear();
    const lines = wrapped(printable(line), this.columns, indentOf(line));
    this.#output.write(`${lines.join("\n")}\n`);
  }

  /**
   * Prints an object for programs, on one line. Characters that are not printable become escapes.
   *
   * @param value - Serialisable.
   */
  printJson(value: JsonLine): void {
    const text = JSON.stringify(value).replace(UNPRINTABLE, (one) =>
      Array.from({ length: one.length }, (_, at) => escape(one.charCodeAt(at))).join(""),
    );
    this.#liveLines.clear();
    this.#output.write(`${text}\n`);
  }

  /**
   * Replaces the live lines, if this terminal can have any. What does not fit is cut off; an empty
   * list clears them.
   */
  live(lines: readonly string[]): void {
    if (!this.isLive) return;
    const { columns, rows } = this.room;
    const shown = lines.slice(0, rows).map((line) => clipped(printable(line), columns));
    this.#liveLines.show(shown, this.#output);
  }

  /** Leaves the live lines on the screen. */
  keep(): void {
    this.#liveLines.keep();
  }
}

const SCREEN = new LiveLines();
/** For results. */
export const stdout: Terminal = new Terminal(process.stdout, SCREEN, process.env["TERM"]);
/** For everything else. */
export const stderr: Terminal = new Terminal(process.stderr, SCREEN, process.env["TERM"]);

/** Replaces characters that could control a terminal: controls, formats, line separators. */
function printable(text: string): string {
  return text.replace(UNPRINTABLE, "?");
}

/** What a line that is broken goes on with: two blanks more than it began with. */
function indentOf(line: string): string {
  return " ".repeat(line.length - line.trimStart().length + 2);
}

function escape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;
