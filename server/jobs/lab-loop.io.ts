/**
 * The loop around the lab: it owns the clock and the timer, and has nodes entered and images
 * proven.
 *
 * The one idea: after every call that may have changed something, `heed` carries out the lab's
 * requests, and drops those that nobody wants any longer; `wake` does so at the lab's next
 * deadline. Whatever fails in between is told and the loop goes on. The clock is the time of day at
 * the start plus monotonic time, so that a step of the system clock makes no node lost.
 */
import { messageOf } from "../../shared/core/errors.ts";
import type { ImageStore } from "../../shared/image/store.ts";
import type { LabRequest } from "./state.ts";
import type { Lab } from "./lab.ts";
import type { EnterOutcome } from "../enter/enter-driver.ts";
import { ProofQueue } from "./proof-queue.ts";

/**
 * Starts a clock that never goes back.
 *
 * @returns Milliseconds since 1970.
 */
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
  /** Brings a node into the receiver by its own driver, within the time and until the signal. */
  readonly enter: (
    node: string,
    bounds: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ) => Promise<EnterOutcome>;
  /** Told when wanted states may have changed: pushes the boot snapshot. */
  readonly wantedChanged: () => void;
  /** Told of what was thrown on the way, like a journal that cannot write; must not throw. */
  readonly failed: (thrown: unknown) => void;
}

type EnterWish = Extract<LabRequest, { kind: "enter" }>;

/** Runs a lab. */
export class LabLoop {
  readonly #parts: LabLoopParts;
  readonly #proofs: ProofQueue;
  readonly #queue: EnterWish[] = [];
  /** Orders whose nodes are being started, with the way to end the wait. */
  readonly #entering = new Map<string, AbortController>();
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param parts - See {@link LabLoopParts}. */
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
   * Carries out what the lab asks for. Call it after anything that may have changed the lab; it is
   * cheap.
   */
  heed(): void {
    if (this.#closed) return;
    const { lab, wantedChanged } = this.#parts;
    for (const request of lab.takeRequests()) {
      if (request.kind === "wanted") this.#guard(wantedChanged);
      else if (request.kind === "enter") this.#queue.push(request);
      else this.#proofs.add(request.job, { name: request.image, id: request.imageId });
    }
    for (const [order, wait] of this.#entering) if (lab.isOver(order)) wait.abort();
    this.#proofs.next();
    this.#enterNext();
  }

  /**
   * Lets time pass, then heeds. It calls itself again when the next wait is over, and at least
   * every second.
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

  /** Stops the timer, proofs and waits; a node that is being switched is not left half-way. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#proofs.close();
    for (const wait of this.#entering.values()) wait.abort();
  }

  /** A node whose turn comes late may have been started by hand, or be wanted no longer. */
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

  /** What a driver throws is a fault of this node's order, never the server's end. */
  async #tryEnter(node: string, signal: AbortSignal): Promise<EnterOutcome> {
    const { enter, failed } = this.#parts;
    try {
      return await enter(node, { timeoutMs: ENTER_MS, signal });
    } catch (thrown) {
      failed(thrown);
      const reason = `Cannot start ${node}: ${messageOf(thrown)}`;
      return { started: false, reason, cure: "Restart the node by hand." };
    }
  }

  /** @returns False when it threw; the fault was told. */
  #guard(step: () => void): boolean {
    try {
      step();
      return true;
    } catch (thrown) {
      this.#parts.failed(thrown);
      return false;
    }
  }
}

/** Power commands side by side: BMCs share slow controllers. */
const ENTERING_MAX = 16;
/** A power cycle with its verification. */
const ENTER_MS = 120_000;
/** The timer is never set shorter than this... */
const TICK_MIN_MS = 20;
/** ...nor longer: a wait that began since then is noticed that soon. */
const TICK_MAX_MS = 1000;
