/**
 * How long a receiver waits: for a session, for its sender, for the end.
 *
 * Nothing waits for ever (promise P3). Each wait has a number in policy.ts; here they become one
 * question: has one of them run out, and when will the next one?
 */
import type { ReceptionPolicy } from "./policy.ts";

/** What ran out. */
export type Expiry = "none" | "session wait" | "silent" | "lost sender" | "deadline";

/** The waits of one reception. */
export class ReceptionDeadlines {
  readonly #policy: ReceptionPolicy;
  #startedAt: number | undefined = undefined;
  #takenAt: number | undefined = undefined;
  #heardAt = 0;
  #silent = false;

  constructor(policy: ReceptionPolicy) {
    this.#policy = policy;
  }

  /**
   * @param now - The clock of the wait for a session begins, if it has not.
   */
  start(now: number): void {
    this.#startedAt ??= now;
  }

  take(now: number): void {
    this.#takenAt = now;
    this.#heardAt = now;
  }

  /**
   * The sender was heard.
   *
   * @returns True when it had been called silent.
   */
  hear(now: number): boolean {
    this.#heardAt = now;
    const was = this.#silent;
    this.#silent = false;
    return was;
  }

  /** @returns For how long the sender has not been heard. Unit: milliseconds. */
  silenceMs(now: number): number {
    return now - this.#heardAt;
  }

  /**
   * Tells what has run out; "silent" is told once.
   *
   * @param listening - True while the sender matters.
   * @returns The gravest.
   */
  judge(listening: boolean, now: number): Expiry {
    const { sessionWaitMs, silentMs, lostSenderMs, deadlineMs } = this.#policy;
    if (this.#takenAt === undefined) {
      return now >= (this.#startedAt ?? now) + sessionWaitMs ? "session wait" : "none";
    }
    if (now >= this.#takenAt + deadlineMs) return "deadline";
    if (!listening) return "none";
    if (this.silenceMs(now) >= lostSenderMs) return "lost sender";
    if (this.silenceMs(now) < silentMs || this.#silent) return "none";
    this.#silent = true;
    return "silent";
  }

  /**
   * @param listening - As in {@link judge}.
   * @returns When {@link judge} may say something new; 0 before the clock runs.
   */
  nextWakeup(listening: boolean): number {
    const { sessionWaitMs, silentMs, lostSenderMs, deadlineMs } = this.#policy;
    if (this.#startedAt === undefined) return 0;
    if (this.#takenAt === undefined) return this.#startedAt + sessionWaitMs;
    const deadline = this.#takenAt + deadlineMs;
    if (!listening) return deadline;
    return Math.min(deadline, this.#heardAt + (this.#silent ? lostSenderMs : silentMs));
  }
}
