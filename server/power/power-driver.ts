/**
 * PowerDriver: how a node is switched on and off.
 *
 * A driver answers with the state it has *verified*, never with the state it asked for: BMCs
 * acknowledge commands they do not carry out. All drivers pass the contract test in
 * test/unit/server/power/contract.ts.
 */

/** What is known of a node's power. */
export type PowerState = "on" | "off" | "unknown";

/** `soft` asks the operating system to shut down; `hard` takes the power away. */
export type PowerOffMode = "soft" | "hard";

/** Bound of one power operation. */
export interface PowerDeadline {
  /** The driver answers by then, with `unknown` if need be. Unit: milliseconds from the call. */
  readonly timeoutMs: number;
  /** Ends the wait for the state early, never a switching half-way. */
  readonly signal?: AbortSignal;
}

/** Switches one node. */
export interface PowerDriver {
  /** Name of the driver in the inventory. */
  readonly kind: string;
  /**
   * Looks without touching.
   *
   * @param deadline - Bound of the wait.
   * @returns The state now.
   */
  state(deadline: PowerDeadline): Promise<PowerState>;
  /**
   * Switches on. A node that is on stays on.
   *
   * @param deadline - Bound of the wait.
   * @returns The state verified by the deadline.
   * @throws SituationError `power_failed` when the command itself cannot be given.
   */
  on(deadline: PowerDeadline): Promise<PowerState>;
  /**
   * Switches off. A node that is off stays off.
   *
   * @param mode - See {@link PowerOffMode}.
   * @param deadline - Bound of the wait.
   * @returns The state verified by the deadline.
   * @throws SituationError `power_failed`.
   */
  off(mode: PowerOffMode, deadline: PowerDeadline): Promise<PowerState>;
  /**
   * Switches off hard and on again, so that firmware runs from the start.
   *
   * @param deadline - Bound of the whole.
   * @returns The state verified by the deadline.
   * @throws SituationError `power_failed`.
   */
  cycle(deadline: PowerDeadline): Promise<PowerState>;
}
