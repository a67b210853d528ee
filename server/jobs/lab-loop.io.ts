/**
 * The loop around the lab: it owns the clock and the timer, starts nodes and has images proven.
 *
 * After every call that may have changed the lab, `heed` carries out what the lab requests and
 * stops what is no longer wanted; `wake` does the same at the lab's next deadline. A failure on the
 * way is reported, and the loop goes on. The clock is the time of day at the start plus monotonic
 * time since then, so a step of the system clock does not make a node look lost.
 */
import { foundText } from "../../shared/core/errno.ts";
import { codeOf } from "../../shared/core/errors.ts";
import type { SituationError } from "../../shared/core/errors.ts";
import type { ImageStore } from "../../shared/image/store.ts";
import type { LabRequest } from "./lab-state.ts";
import type { Lab } from "./lab.ts";
import type { EnterBounds, EnterOutcome } from "../enter/enter-driver.ts";
import { ProofQueue } from "./proof-queue.ts";

/** Starts a clock that never goes back. It gives milliseconds since 1970, whole. */
export function steadyClock(): () => number {
  const origin = Date.now() - performance.now();
  return () => Math.floor(origin + performance.now());
}

/** What the loop needs. */
export interface LabLoopParts {
  readonly lab: Lab;
  readonly images: Pick<ImageStore, "prove">;
  /** From {@link steadyClock}. */
  readonly now: () => number;
  /** Brings a node into the receiver by its own driver; gives up at the time-out or the signal. */
  readonly enter: (node: string, bounds: EnterBounds) => Promise<EnterOutcome>;
  /** Called when wanted states may have changed, so that the boot services get them. */
  readonly wantedChanged: () => void;
  /** Gets what was thrown on the way; must not throw. */
  readonly failed: (thrown: unknown) => void;
  /** Gets the reason when the journal cannot write any longer, and undefined when it can again. */
  readonly journalChanged: (fault: SituationError | undefined) => void;
}

type EnterWish = Extract<LabRequest, { kind: "enter" }>;

export class LabLoop {
  readonly #parts: LabLoopParts;
  readonly #proofs: ProofQueue;
  readonly #queue: EnterWish[] = [];
  /** Orders whose nodes are being started. Abort the controller to end the wait. */
  readonly #entering = new Map<string, AbortController>();
  #closed = false;
  #journalFault: SituationError | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LabLoopParts) {
    this.#parts = parts;
    const { lab, images, now } = parts;
    this.#proofs = new ProofQueue({
      prove: async (image, signal) => {
        await images.prove(image, signal);
      },
      isWanted: (job) => lab.wantsProof(job),
      proven: (job, fault) => {
        this.#guard(() => {
          lab.noteProof(job, fault, now());
        });
      },
      idle: () => {
        this.heed();
      },
    });
  }

  /**
   * Carries out the lab's requests. Call it after anything that may have changed the lab: cheap.
   */
  heed(): void {
    if (this.#closed) return;
    const { lab, wantedChanged } = this.#parts;
    this.#watchJournal();
    for (const request of lab.takeRequests()) {
      if (request.kind === "wanted") this.#guard(wantedChanged);
      else if (request.kind === "enter") this.#queue.push(request);
      else {
        const { job, image: name, imageId: id, file } = request;
        this.#proofs.add(job, { name, id, file });
      }
    }
    for (const [order, wait] of this.#entering) if (lab.isOver(order)) wait.abort();
    this.#proofs.next();
    this.#enterNext();
  }

  /**
   * Lets time pass in the lab, then calls `heed`. It sets a timer that calls it again when the next
   * wait is over, and at least every second.
   */
  wake(): void {
    if (this.#closed) return;
    const { lab, now } = this.#parts;
    const went = this.#guard(() => {
      lab.tick(now());
    });
    this.heed();
    clearTimeout(this.#timer);
    const leftMs = went ? lab.nextWakeup() - now() : TICK_MAX_MS;
    this.#timer = setTimeout(
      () => {
        this.wake();
      },
      Math.min(Math.max(leftMs, TICK_MIN_MS), TICK_MAX_MS),
    );
  }

  /** Stops the timer, the proofs and all waits. A power command that has begun is completed. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#proofs.close();
    for (const wait of this.#entering.values()) wait.abort();
  }

  #watchJournal(): void {
    const fault = this.#parts.lab.journalFault;
    if (fault === this.#journalFault) return;
    this.#journalFault = fault;
    this.#parts.journalChanged(fault);
  }

  /** Asks the lab again: a node may have been started by hand, or its order aborted, meanwhile. */
  #enterNext(): void {
    while (this.#entering.size < ENTERING_MAX) {
      const request = this.#queue.shift();
      if (request === undefined) return;
      if (this.#parts.lab.wantsEnter(request.order)) void this.#enter(request);
    }
  }

  async #enter({ node, order }: EnterWish): Promise<void> {
    const { lab, now } = this.#parts;
    const wait = new AbortController();
    this.#entering.set(order, wait);
    const outcome = await this.#tryEnter(node, wait.signal);
    this.#entering.delete(order);
    if (!wait.signal.aborted) {
      this.#guard(() => {
        if (outcome.started) lab.noteEnter(order, "info", outcome.detail, now());
        else lab.noteEnter(order, "error", `${outcome.reason}. ${outcome.cure}`, now());
      });
    }
    this.heed();
  }

  /** Whatever the driver throws becomes a failure of this order; the server goes on. */
  async #tryEnter(node: string, signal: AbortSignal): Promise<EnterOutcome> {
    const { enter, failed } = this.#parts;
    try {
      return await enter(node, { timeoutMs: ENTER_MS, signal });
    } catch (thrown) {
      failed(thrown);
      const reason = `Cannot start ${node}: ${foundText(thrown)}`;
      return { started: false, reason, cure: "Restart the node by hand." };
    }
  }

  /** @returns False if `step` threw; `failed` got the error, unless the journal is the reason. */
  #guard(step: () => void): boolean {
    try {
      step();
      return true;
    } catch (thrown) {
      if (codeOf(thrown) !== "journal_unwritable") this.#parts.failed(thrown);
      return false;
    }
  }
}

/** Power commands at the same time: several BMCs share one slow controller. */
const ENTERING_MAX = 16;
/** Enough for a power cycle and the check that it worked. Unit: milliseconds. */
const ENTER_MS = 120_000;
/** Bounds of the timer. Unit: milliseconds. */
const TICK_MIN_MS = 20;
/** A wait that begins while the timer runs is noticed after this time at the latest. */
const TICK_MAX_MS = 1000;
