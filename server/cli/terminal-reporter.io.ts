/**
 * How a verb that works on this computer tells its events: a line each and a live line for people,
 * or an object each for programs.
 *
 * For people everything goes to standard error, so that standard output may carry data.
 */
import { stderr, stdout } from "./terminal.io.ts";

/** Where a verb reports to. */
export interface TerminalReporter {
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
export interface ReportingStyle {
  /** One JSON object per event instead of sentences. */
  readonly json: boolean;
  /** File descriptor for JSON: 1, or 2 where standard output carries data. */
  readonly jsonTo: 1 | 2;
}

/**
 * Makes a reporter.
 *
 * @param style - How to report.
 * @returns A reporter that writes at once, so nothing is lost when the process ends.
 */
export function createTerminalReporter(style: ReportingStyle): TerminalReporter {
  const { json, jsonTo } = style;
  return {
    event(text, facts) {
      if (json) (jsonTo === 1 ? stdout : stderr).printJson({ text, ...facts });
      else if (text !== undefined) stderr.print(text);
    },
    progress(text) {
      if (!json) stderr.live([text]);
    },
  };
}
