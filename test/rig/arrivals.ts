/** Things that arrive one by one, such as the lines of a process, and waits for one of them. */

/** What has arrived so far, and the waits for more. */
export class Arrivals<T> {
  readonly all: T[] = [];
  #change = Promise.withResolvers<undefined>();
  #hasEnded = false;

  /** Adds one. */
  add(one: T): void {
    this.all.push(one);
    this.#wake();
  }

  /** Says that nothing more will come: waits end. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /**
   * Waits for one; those that came before count too.
   *
   * @param wanted - Which.
   * @param withinMs - Longest wait; if left out, until nothing more comes.
   * @returns The first that is wanted, or why there is none.
   */
  async until(wanted: (one: T) => boolean, withinMs?: number): Promise<T | "ended" | "late"> {
    const late = withinMs === undefined ? undefined : AbortSignal.timeout(withinMs);
    late?.addEventListener("abort", () => {
      this.#wake();
    });
    for (;;) {
      const found = this.all.find(wanted);
      if (found !== undefined) return found;
      if (this.#hasEnded) return "ended";
      if (late?.aborted === true) return "late";
      await this.#change.promise;
    }
  }

  #wake(): void {
    this.#change.resolve(undefined);
    this.#change = Promise.withResolvers();
  }
}
