/** Things that come one by one, such as lines of a process, and waits for one of them. */

/** What came so far, and who waits for more. */
export class Arrivals<T> {
  readonly all: T[] = [];
  #change = Promise.withResolvers<undefined>();
  #hasEnded = false;

  /** Adds one that came. */
  add(one: T): void {
    this.all.push(one);
    this.#wake();
  }

  /** Nothing more will come. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /**
   * Waits for one, looking at all that came before too.
   *
   * @param wanted - Which.
   * @param withinMs - How long at most; for ever when left out, which is until the end.
   * @returns The first, or why there is none.
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
