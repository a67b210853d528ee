/**
 * EnterDriver: one way of bringing a node into the receiver.
 *
 * Each is one file and one line in enter-drivers.io.ts, and knows nothing of images. A node's entry
 * in the inventory names the one that it takes.
 */
import type { PowerDriver } from "../power/power-driver.ts";

/** The node that a driver shall bring in, and its bounds. */
export interface EnterRequest {
  readonly node: string;
  readonly power: PowerDriver;
  /** The driver must have answered by then. Unit: milliseconds from the call. */
  readonly timeoutMs: number;
  /** Ends the wait early; a switching that has begun is still completed. */
  readonly signal: AbortSignal;
}

/** What the driver did. Only the node's join shows whether the receiver came up. */
export type EnterOutcome =
  | { readonly started: true; readonly detail: string }
  | { readonly started: false; readonly reason: string; readonly cure: string };

/** One way into the receiver. */
export interface EnterDriver {
  /** Name of the driver in huck.yaml. */
  readonly kind: string;
  /**
   * Starts the node so that it boots into the receiver. Safe to repeat.
   *
   * @returns What was done, or why it could not be done. Faults of the node never throw.
   */
  enter(request: EnterRequest): Promise<EnterOutcome>;
}
