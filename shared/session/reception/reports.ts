/**
 * When to report: on joining, from time to time, when asked, and at the end until it is
 * acknowledged.
 *
 * Every time is random within a window, so that computers that boot together do not report
 * together.
 */
import type { Random } from "../../core/random.ts";

/** Times of reports. Unit: milliseconds. */
export interface ReportTimes {
  /** Time between reports while receiving. */
  readonly reportMs: number;
  /** Time between reports of the outcome. */
  readonly doneReportMs: number;
  /** Reports of the outcome at most. */
  readonly doneReportsMax: number;
}

/** Reports are moved by up to this share of the interval either way. */
const SPREAD = 0.25;

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

  /** @returns True if the outcome was reported as often as it may be. */
  get exhausted(): boolean {
    return this.#closing && this.#closingSent >= this.#times.doneReportsMax;
  }

  /**
   * Schedules a report within a window, unless one is due before.
   *
   * @param windowMs - The time is random within it.
   */
  within(windowMs: number, now: number): void {
    this.#dueAt = Math.min(this.#dueAt, now + this.#random.fraction() * windowMs);
  }

  /** The reception has ended, well or not: reports at once and then often. */
  close(now: number): void {
    this.#closing = true;
    this.#closingSent = 0;
    this.#dueAt = now;
  }

  /** The reception goes on after all: back to ordinary reports. */
  reopen(): void {
    this.#closing = false;
  }

  /** Schedules the next report after one was sent. */
  sent(now: number): void {
    if (this.#closing) this.#closingSent += 1;
    const { reportMs, doneReportMs } = this.#times;
    const interval = this.#closing ? doneReportMs : reportMs;
    this.#dueAt = now + interval * (1 - SPREAD + 2 * SPREAD * this.#random.fraction());
  }
}
