/**
 * How long a receiver waits: for a session, for its sender, for the end.
 *
 * Nothing waits for ever (promise P3). policy.ts gives each wait its limit; this file tells which
 * limit has been reached, and when the next one will be.
 */
import type { ReceptionPolicy } from "./policy.ts";

/** The limit that was reached. */
export type Expiry = "none" | "session wait" | "silent" | "lost sender" | "deadline";

export class ReceptionDeadlines {
  readonly #policy: ReceptionPolicy;
  #startedAt: number | undefined = undefined;
  #takenAt: number | undefined = undefined;
  #heardAt = 0;
  #silent = false;

  constructor(policy: ReceptionPolicy) {
    this.#policy = policy;
  }

  /** Starts the wait for a session, unless it has started already. */
  start(now: number): void {
    this.#startedAt ??= now;
  }

  take(now: number): void {
    this.#takenAt = now;
    this.#heardAt = now;
  }

  /**
   * Notes that the sender was heard.
   *
   * @returns True if it had been reported silent.
   */
  hear(now: number): boolean {
    this.#heardAt = now;
    const was = this.#silent;
    this.#silent = false;
    return was;
  }

  /** @returns Time since the sender was last heard. Unit: milliseconds. */
  silenceMs(now: number): number {
    return now - this.#heardAt;
  }

  /**
   * Tells which limit was reached; "silent" is told once.
   *
   * @param listening - True while the sender is still needed.
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
   * @returns When {@link judge} may say something new; 0 before `start`.
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
