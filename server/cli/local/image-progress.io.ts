/**
 * Shows the progress of local work on one image: a live line with rate and time left.
 *
 * The rate is the mean since the start: work on one disk is steady, and a mean does not jump.
 */
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import { rateText, sizeText } from "../quantity-text.ts";

/** Shortest time between two updates of the live line. Unit: milliseconds. */
const RENEW_MS = 200;

/** Shows how far work has come; `extra` is appended to the line. */
export type ProgressLine = (
  label: string,
  doneBytes: number,
  totalBytes: number,
  extra?: string,
) => void;

/**
 * Makes a function that shows progress on the live line. It may be called as often as one likes.
 *
 * @param clock - Gives milliseconds; monotonic.
 */
export function progressLine(reporter: TerminalReporter, clock: () => number): ProgressLine {
  let label = "";
  let startMs = 0;
  let shownMs = 0;
  return (nowLabel, doneBytes, totalBytes, extra = "") => {
    const now = clock();
    if (nowLabel !== label) {
      label = nowLabel;
      startMs = now;
      shownMs = 0;
    }
    if (doneBytes < totalBytes && now - shownMs < RENEW_MS) return;
    shownMs = now;
    const text = progressText(label, { doneBytes, totalBytes, elapsedMs: now - startMs });
    reporter.progress(`${text}  ${extra}`.trimEnd());
  };
}

export interface ProgressState {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Time since the start. Unit: milliseconds. */
  readonly elapsedMs: number;
}

/**
 * Writes a progress line: "saving 43 %  1.20 GB of 2.80 GB  310 MB/s  5 s left".
 *
 * @internal A test uses it.
 */
export function progressText(label: string, state: ProgressState): string {
  const { doneBytes, totalBytes, elapsedMs } = state;
  const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
  const rate = elapsedMs === 0 ? 0 : doneBytes / (elapsedMs / 1000);
  const left = rate === 0 ? "" : `  ${Math.ceil((totalBytes - doneBytes) / rate)} s left`;
  const parts = [`${label} ${percent} %`, `${sizeText(doneBytes)} of ${sizeText(totalBytes)}`];
  return `${parts.join("  ")}  ${rateText(rate)}${left}`;
}
