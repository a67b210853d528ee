/**
 * Reloads: however often huck.yaml shall be read again, one reading runs and at most one waits.
 *
 * A file may have changed after a running reload has read it, so whoever asks meanwhile gets the
 * one that waits, which begins when the running one has ended.
 */

/** Runs reloads one after the other. */
export class Reloads<Reply> {
  readonly #reload: () => Promise<Reply>;
  #running: Promise<unknown> | undefined;
  #waiting: Promise<Reply> | undefined;

  constructor(reload: () => Promise<Reply>) {
    this.#reload = reload;
  }

  /** Asks for a reload that begins from now on. All who share one get the same promise. */
  ask(): Promise<Reply> {
    if (this.#running === undefined) return this.#begin();
    this.#waiting ??= this.#running.then(() => {
      this.#waiting = undefined;
      return this.#begin();
    });
    return this.#waiting;
  }

  #begin(): Promise<Reply> {
    const reply = this.#reload();
    const over = reply.then(
      () => undefined,
      () => undefined, // whoever asked is told
    );
    this.#running = over.then(() => {
      if (this.#waiting === undefined) this.#running = undefined;
    });
    return reply;
  }
}
