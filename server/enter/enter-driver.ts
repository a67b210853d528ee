/**
 * EnterDriver: one way of bringing a node into the receiver.
 *
 * Each is one file and one line in enter-drivers.ts, and knows nothing of images. A node's entry in
 * the inventory names the one that it takes.
 */
import type { PowerDriver } from "../power/power-driver.ts";

/** What a driver is told about the node it shall bring in. */
export interface EnterRequest {
  readonly node: string;
  /** The node's power. */
  readonly power: PowerDriver;
  /** The driver has done its part by then. Unit: milliseconds from the call. */
  readonly timeoutMs: number;
  /** Ends the wait early; a node is not left half-way. */
  readonly signal: AbortSignal;
}

/** What the driver did. Whether the receiver came up is known only when it joins. */
export type EnterOutcome =
  | { readonly started: true; readonly detail: string }
  | { readonly started: false; readonly reason: string; readonly cure: string };

/** One way into the receiver. */
export interface EnterDriver {
  /** Name of the driver in the inventory. */
  readonly kind: string;
  /**
   * Starts the node towards the receiver. Safe to repeat.
   *
   * @param request - Node, power and bound.
   * @returns What was done, or why it could not be; never throws for the node's faults.
   */
  enter(request: EnterRequest): Promise<EnterOutcome>;
}
