/**
 * When to report: on joining, now and then, when asked, and at the end until somebody acknowledges.
 *
 * Every moment is spread by chance, so that a room that boots together does not speak together.
 */
import type { Random } from "../../core/random.ts";

/** Moments of reports. Unit: milliseconds. */
export interface ReportTimes {
  /** Between reports while receiving. */
  readonly reportMs: number;
  /** Between reports of the end. */
  readonly doneReportMs: number;
  /** Reports of the end at most. */
  readonly doneReportsMax: number;
}

/** A quarter of the interval either way. */
const SPREAD = 0.25;

/** Decides the moments. */
export class ReportSchedule {
  readonly #times: ReportTimes;
  readonly #random: Random;
  #dueAt = Infinity;
  #closing = false;
  #closingSent = 0;

  constructor(times: ReportTimes, random: Random) {
    this.#times = times;
    this.#random = random;
  }

  /** @returns When the next report is due; Infinity before the first announcement. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** @returns True when the end was reported as often as it may be. */
  get exhausted(): boolean {
    return this.#closing && this.#closingSent >= this.#times.doneReportsMax;
  }

  /**
   * Asks for a report within a window, unless one is due before.
   *
   * @param windowMs - Spread over this.
   */
  within(windowMs: number, now: number): void {
    this.#dueAt = Math.min(this.#dueAt, now + this.#random.fraction() * windowMs);
  }

  /** The reception has ended, well or not: report at once and often. */
  close(now: number): void {
    this.#closing = true;
    this.#closingSent = 0;
    this.#dueAt = now;
  }

  /** The reception goes on after all. */
  reopen(): void {
    this.#closing = false;
  }

  /** A report was sent. */
  sent(now: number): void {
    if (this.#closing) this.#closingSent += 1;
    const { reportMs, doneReportMs } = this.#times;
    const interval = this.#closing ? doneReportMs : reportMs;
    this.#dueAt = now + interval * (1 - SPREAD + 2 * SPREAD * this.#random.fraction());
  }
}
