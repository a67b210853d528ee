/**
 * How a running command shows itself: a live line on a terminal, one line per event in a pipe.
 *
 * The idea: everything that is not the result goes to standard error, so standard output may carry
 * data; with JSON wanted, each event is one object on a line of its own.
 */
import { writeSync } from "node:fs";
import { isatty } from "node:tty";

/** Where a command reports to. */
export interface Reporter {
  /**
   * Reports an event.
   *
   * @param text - One sentence for people; undefined for what only programs want to know.
   * @param facts - The same for programs; serialisable.
   */
  event(text: string | undefined, facts: Readonly<Record<string, unknown>>): void;
  /**
   * Replaces the live line; shown on a terminal only.
   *
   * @param text - At most a line.
   */
  progress(text: string): void;
}

/** How to report. */
export interface ReporterOptions {
  /** One JSON object per event instead of sentences. */
  readonly json: boolean;
  /** File descriptor for JSON: 1, or 2 where standard output carries data. */
  readonly jsonTo: 1 | 2;
}

const STDERR = 2;
const CLEAR_LINE = "\r\x1b[2K";

/**
 * Makes a reporter.
 *
 * @param options - See {@link ReporterOptions}.
 * @returns A reporter that writes at once, so nothing is lost when the process ends.
 */
export function createReporter(options: ReporterOptions): Reporter {
  const live = isatty(STDERR);
  let shown = false;
  const write = (fd: number, text: string): void => {
    const clear = shown && fd === STDERR ? CLEAR_LINE : "";
    shown = false;
    writeAll(fd, `${clear}${text}`);
  };
  return {
    event(text, facts) {
      if (options.json) write(options.jsonTo, `${JSON.stringify({ text, ...facts })}\n`);
      else if (text !== undefined) write(STDERR, `${text}\n`);
    },
    progress(text) {
      if (!live || options.json) return;
      write(STDERR, `${shown ? CLEAR_LINE : ""}${text}`);
      shown = true;
    },
  };
}

// A pipe whose reader is slow may refuse for a moment; a lost reader is not our concern.
function writeAll(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EAGAIN" && code !== "EPIPE") throw error;
  }
}
