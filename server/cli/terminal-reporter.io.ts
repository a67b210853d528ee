/**
 * Reports the events of a verb that works on this computer: to people as one line each and a live
 * line, to programs as one JSON object each.
 *
 * Everything for people goes to standard error, so that standard output can carry data.
 */
import type { JsonLine } from "./terminal.io.ts";
import { stderr, stdout } from "./terminal.io.ts";

export interface TerminalReporter {
  /**
   * Reports an event.
   *
   * @param text - One sentence for people; undefined if only programs need the event.
   * @param facts - The same for programs; serialisable.
   */
  event(text: string | undefined, facts: JsonLine): void;
  /** Replaces the live line with another single line. It is shown on a terminal only. */
  progress(text: string): void;
}

export interface ReportingStyle {
  /** Whether to print one JSON object per event instead of sentences. */
  readonly json: boolean;
  /** File descriptor for JSON: 1, or 2 if standard output carries data. */
  readonly jsonTo: 1 | 2;
}

/** Makes a reporter that writes at once, so that nothing is lost when the process ends. */
export function createTerminalReporter(style: ReportingStyle): TerminalReporter {
  const { json, jsonTo } = style;
  return {
    event(text, facts) {
      const { kind, ...others } = facts;
      if (json) (jsonTo === 1 ? stdout : stderr).printJson({ kind, text, ...others });
      else if (text !== undefined) stderr.print(text);
    },
    progress(text) {
      if (!json) stderr.live([text]);
    },
  };
}
