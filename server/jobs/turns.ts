/**
 * Turns: changes of the journal and of memory that become true together.
 *
 * In a turn, memory is changed at once, so that later steps of the same turn see it, and each
 * change says how to undo it. Events are told when the journal has committed; if it cannot, memory
 * is put back and the caller gets `journal_unwritable`. Nobody else runs in between: all of this
 * is synchronous.
 */
import assert from "node:assert/strict";
import { SituationError, messageOf } from "../../shared/core/errors.ts";
import type { EventLog } from "./event-log.ts";

/** Makes turns over one journal. */
export class Turns {
  readonly #log: EventLog;
  /** How to undo the turn that runs; undefined outside of one. */
  #undo: (() => void)[] | undefined;
  #stalled = false;
  #retryAt = -Infinity;

  /** @param log - Over the journal. */
  constructor(log: EventLog) {
    this.#log = log;
  }

  /** True from a write that the journal could not keep until one that it could. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** While stalled: when to try again at the earliest. Milliseconds since 1970. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /**
   * Makes writes one: all are durable and told, or memory is as it was.
   *
   * @param writes - Called once; may nest.
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

  /**
   * Notes how to undo a change of memory. Outside of a turn there is nothing to undo.
   *
   * @param step - Puts the old value back.
   */
  onUndo(step: () => void): void {
    this.#undo?.push(step);
  }

  /**
   * Does one write that stands alone.
   *
   * @param write - To the journal.
   * @throws {@link SituationError} `journal_unwritable` for what the journal throws; our own bugs
   *   come through as they are.
   */
  keeping(write: () => void): void {
    try {
      write();
    } catch (thrown) {
      if (OURS.some((kind) => thrown instanceof kind)) throw thrown;
      this.#stalled = true;
      const message = `Cannot keep what happened: the journal says "${messageOf(thrown)}"`;
      const cure = "Make room on the disk that holds server.state; nodes ask again by themselves.";
      throw new SituationError("journal_unwritable", message, { cure, cause: thrown });
    }
  }

  /**
   * Tries a journal that could not write.
   *
   * @param write - A write that changes nothing.
   * @param now - Milliseconds since 1970.
   * @returns True when it can write again. A failure was told when it began, and is not told again.
   */
  tryAgain(write: () => void, now: number): boolean {
    if (now < this.#retryAt) return false;
    try {
      write();
    } catch {
      this.#retryAt = now + RETRY_AFTER_MS;
      return false;
    }
    this.#stalled = false;
    this.#retryAt = -Infinity;
    return true;
  }
}

/** Errors that no journal is to blame for. */
const OURS = [assert.AssertionError, SituationError, TypeError, RangeError, ReferenceError];
/** A journal that cannot write is tried again after so long. */
const RETRY_AFTER_MS = 1000;
