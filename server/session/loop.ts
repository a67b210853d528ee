/**
 * The loop around the lab: it owns the clock, the timer and the power drivers.
 *
 * The one idea: after every call that may have changed something, `heed` carries out the lab's
 * requests; `wake` does so at the lab's next deadline. The clock is the time of day at the start
 * plus monotonic time, so that a step of the system clock makes no node lost.
 */
import { messageOf } from "../../shared/core/errors.ts";
import type { ImageStore } from "../../shared/image/store.ts";
import type { LabRequest } from "./state.ts";
import type { Lab } from "./lab.ts";
import type { EnterDriver } from "./enter-driver.ts";
import type { PowerDriver } from "../power/power-driver.ts";

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
  readonly enter: EnterDriver;
  /** @returns The power driver of a node of the inventory. */
  readonly powerOf: (node: string) => PowerDriver;
  /** Told when wanted states may have changed: pushes the boot snapshot. */
  readonly wantedChanged: () => void;
}

/** Runs a lab. */
export class LabLoop {
  readonly #parts: LabLoopParts;
  readonly #stop = new AbortController();
  readonly #queue: Extract<LabRequest, { kind: "enter" }>[] = [];
  #entering = 0;
  /** One image is read at a time. */
  #proving: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /** @param parts - See {@link LabLoopParts}. */
  constructor(parts: LabLoopParts) {
    this.#parts = parts;
  }

  /**
   * Carries out what the lab asks for. Call it after anything that may have changed the lab; it is
   * cheap.
   */
  heed(): void {
    if (this.#stop.signal.aborted) return;
    for (const request of this.#parts.lab.takeRequests()) {
      if (request.kind === "wanted") this.#parts.wantedChanged();
      else if (request.kind === "enter") this.#queue.push(request);
      else this.#proving = this.#proving.then(() => this.#prove(request));
    }
    this.#enterNext();
  }

  /**
   * Lets time pass, then heeds. It calls itself again when the next wait is over, and at least
   * every second.
   */
  wake(): void {
    if (this.#stop.signal.aborted) return;
    const { lab, now } = this.#parts;
    lab.tick(now());
    this.heed();
    clearTimeout(this.#timer);
    const waitMs = Math.min(Math.max(lab.nextWakeup() - now(), TICK_MIN_MS), TICK_MAX_MS);
    this.#timer = setTimeout(() => {
      this.wake();
    }, waitMs);
  }

  /** Stops the timer and every power command. */
  close(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #enterNext(): void {
    while (this.#entering < ENTERING_MAX) {
      const request = this.#queue.shift();
      if (request === undefined) return;
      this.#entering += 1;
      void this.#enter(request);
    }
  }

  /** Whatever stands between us and a proof, nothing is written without one. */
  async #prove(request: Extract<LabRequest, { kind: "prove" }>): Promise<void> {
    const { lab, images, now } = this.#parts;
    const { signal } = this.#stop;
    const fault = lab.wantsProof(request.job)
      ? await images.prove(request.image, signal).then(() => undefined, messageOf)
      : undefined;
    if (signal.aborted) return;
    lab.noteProof(request.job, fault, now());
    this.heed();
  }

  /**
   * An enter driver never throws for the node's faults; what it throws is our bug and ends the
   * process.
   */
  async #enter(request: Extract<LabRequest, { kind: "enter" }>): Promise<void> {
    const { lab, now, enter, powerOf } = this.#parts;
    const outcome = await enter.enter({
      node: request.node,
      power: powerOf(request.node),
      timeoutMs: ENTER_MS,
      signal: this.#stop.signal,
    });
    this.#entering -= 1;
    if (this.#stop.signal.aborted) return;
    if (outcome.started) lab.noteEnter(request.order, "info", outcome.detail, now());
    else lab.noteEnter(request.order, "error", `${outcome.reason}. ${outcome.cure}`, now());
    this.heed();
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
