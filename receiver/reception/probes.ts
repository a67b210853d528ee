/**
 * Counts the probes of a series and tells when it is over.
 *
 * The one idea: a series is over with its last datagram or a little after its last sign of life,
 * and the share that came tells whether the group reaches this receiver at full datagram length.
 */
import type { Probe } from "../../shared/wire/probe.ts";

/** A series that is silent for this long is over. Unit: milliseconds. */
const SILENCE_MS = 100;

/** How a series went. */
export interface ProbeResult {
  readonly received: number;
  readonly sent: number;
}

/** The latest series. */
export class ProbeCount {
  #series = 0;
  #received = 0;
  #sent = 0;
  #overAt = Infinity;

  /** @returns When the series is over, or Infinity. */
  get overAt(): number {
    return this.#overAt;
  }

  /**
   * @param probe - One that came.
   * @param now - Monotonic.
   */
  note(probe: Probe, now: number): void {
    if (probe.series !== this.#series) {
      this.#series = probe.series;
      this.#received = 0;
    }
    this.#received += 1;
    this.#sent = probe.count;
    this.#overAt = probe.index === probe.count - 1 ? now : now + SILENCE_MS;
  }

  /**
   * @param now - Monotonic.
   * @returns The result of a series, once, when it is over.
   */
  take(now: number): ProbeResult | undefined {
    if (now < this.#overAt) return undefined;
    this.#overAt = Infinity;
    return { received: this.#received, sent: this.#sent };
  }
}
