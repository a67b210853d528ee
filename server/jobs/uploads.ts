/**
 * The uploads that run: one per order.
 *
 * A node whose connection broke begins again before we have noticed, so the newer upload of an
 * order ends the older one. Once all bytes are there and the image is being checked, it cannot be
 * ended any more, and another one is refused.
 */

/** One upload of an order. */
export interface Upload {
  /** True until a newer upload of its order begins. */
  readonly isLatest: boolean;
  /** Notes that all its bytes are there. */
  complete(): void;
  /** Notes that it is over, however it went. Idempotent. */
  end(): void;
}

export class Uploads {
  readonly #byOrder = new Map<string, RunningUpload>();

  /**
   * @param giveWay - Called when a newer upload of the order begins: break this one off at once.
   * @returns The upload, or undefined if one of this order is being checked.
   */
  begin(order: string, giveWay: () => void): Upload | undefined {
    const running = this.#byOrder.get(order);
    if (running?.isComplete === true) return undefined;
    const upload = new RunningUpload((ended) => {
      if (this.#byOrder.get(order) === ended) this.#byOrder.delete(order);
    }, giveWay);
    this.#byOrder.set(order, upload);
    running?.giveWay();
    return upload;
  }
}

class RunningUpload implements Upload {
  readonly #ended: (upload: RunningUpload) => void;
  readonly #giveWay: () => void;
  #isLatest = true;
  #isComplete = false;

  constructor(ended: (upload: RunningUpload) => void, giveWay: () => void) {
    this.#ended = ended;
    this.#giveWay = giveWay;
  }

  get isLatest(): boolean {
    return this.#isLatest;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  giveWay(): void {
    this.#isLatest = false;
    this.#giveWay();
  }

  complete(): void {
    this.#isComplete = true;
  }

  end(): void {
    this.#ended(this);
  }
}
