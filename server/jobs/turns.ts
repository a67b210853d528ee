/**
 * Turns: changes of journal and memory that take effect together or not at all.
 *
 * In a turn, memory is changed at once, so that later steps of the same turn see the change, and
 * each change says how to undo it. Events are told when the journal has committed. If it cannot,
 * memory is put back and the caller gets `journal_unwritable`. All of this is synchronous, so no
 * other code runs in between.
 */
import assert from "node:assert/strict";
import { SituationError, messageOf } from "../../shared/core/errors.ts";
import type { EventLog } from "./event-log.ts";

/** Makes turns over one journal. */
export class Turns {
  readonly #log: EventLog;
  /** How to undo the running turn; undefined when none runs. */
  #undo: (() => void)[] | undefined;
  #fault: SituationError | undefined;
  #retryAt = -Infinity;

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** Why the last write failed; undefined once one has succeeded. */
  get fault(): SituationError | undefined {
    return this.#fault;
  }

  /** True after a write failed, until one succeeds. */
  get stalled(): boolean {
    return this.#fault !== undefined;
  }

  /** While stalled, the earliest time of the next attempt: milliseconds since 1970. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /**
   * Makes several writes one: either all are durable and told, or memory is as it was. May nest.
   *
   * @throws {@link SituationError} `journal_unwritable`.
   */
  turn(writes: () => void): void {
    if (this.#undo !== undefined) {
      writes();
      return;
    }
    const undo: (() => void)[] = [];
    const noted = (): void => {
      this.#undo = undo;
      try {
        writes();
      } finally {
        this.#undo = undefined;
      }
    };
    try {
      this.keeping(() => {
        this.#log.together(noted);
      });
    } catch (thrown) {
      for (const step of undo.reverse()) step();
      throw thrown;
    }
  }

  /** Takes a step that puts an old value back if the turn fails. Does nothing outside of a turn. */
  onUndo(step: () => void): void {
    this.#undo?.push(step);
  }

  /**
   * Does one write that stands alone.
   *
   * @throws {@link SituationError} `journal_unwritable` for whatever the journal throws. Our own
   *   bugs and refusals come through as they are.
   */
  keeping(write: () => void): void {
    try {
      write();
    } catch (thrown) {
      if (OURS.some((kind) => thrown instanceof kind)) throw thrown;
      const message = `Cannot keep what happened: the journal says "${messageOf(thrown)}"`;
      const cure = "Make room on the disk that holds server.state; nodes ask again by themselves.";
      const fault = new SituationError("journal_unwritable", message, { cure, cause: thrown });
      this.#fault ??= fault;
      throw fault;
    }
  }

  /**
   * Tries the journal again after a failure.
   *
   * @param write - A write that changes nothing.
   * @returns True if the journal can write again. A further failure is not reported again.
   */
  tryAgain(write: () => void, now: number): boolean {
    if (now < this.#retryAt) return false;
    try {
      write();
    } catch {
      this.#retryAt = now + RETRY_AFTER_MS;
      return false;
    }
    this.#fault = undefined;
    this.#retryAt = -Infinity;
    return true;
  }
}

/** Errors that are not the journal's fault. */
const OURS = [assert.AssertionError, SituationError, TypeError, RangeError, ReferenceError];
/** Time between attempts while the journal cannot write. */
const RETRY_AFTER_MS = 1000;
