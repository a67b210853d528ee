/**
 * PowerDriver: how a node is switched on and off.
 *
 * A driver answers with the state that it has *verified*, never with the state that it asked for:
 * BMCs acknowledge commands that they do not carry out. All drivers pass the contract test in
 * test/unit/server/power/contract.ts.
 */
import type * as z from "zod";

export type PowerState = "on" | "off" | "unknown";

/** What a driver found when it looked. */
export interface PowerReading {
  readonly power: PowerState;
  /** Why it is unknown, with the cure; empty if it is known. */
  readonly reason: string;
  /** True if the driver tried to read the state and could not; false if nothing tells it. */
  readonly failed: boolean;
}

/** `soft` asks the operating system to shut down; `hard` takes the power away. */
export type PowerOffMode = "soft" | "hard";

/** Time bound of one power operation. */
export interface PowerDeadline {
  /** The driver answers by then, if need be with `unknown`. Unit: milliseconds from the call. */
  readonly timeoutMs: number;
  /** Ends the wait for the state early, but never a switching that has begun. */
  readonly signal?: AbortSignal;
}

/** Switches one node. */
export interface PowerDriver {
  /** Name of the driver in huck.yaml. */
  readonly kind: string;
  /** Reads the state now, and changes nothing. */
  state(deadline: PowerDeadline): Promise<PowerReading>;
  /**
   * Switches the node on; one that is on stays on.
   *
   * @returns The state verified by the deadline.
   * @throws SituationError `power_failed` if the command itself cannot be given.
   */
  on(deadline: PowerDeadline): Promise<PowerState>;
  /**
   * Switches the node off; one that is off stays off.
   *
   * @returns The state verified by the deadline.
   * @throws SituationError `power_failed`.
   */
  off(mode: PowerOffMode, deadline: PowerDeadline): Promise<PowerState>;
  /**
   * Switches the node off hard and on again, so that its firmware starts from the beginning.
   *
   * @returns The state verified by the deadline.
   * @throws SituationError `power_failed`.
   */
  cycle(deadline: PowerDeadline): Promise<PowerState>;
}

/** The node that a driver is made for. */
export interface SwitchedNode {
  readonly name: string;
  /** Empty when none is known. */
  readonly address: string;
  /** Brings a sentence to the operator. */
  readonly tell: (text: string) => void;
}

/** What the settings of every driver have: the name that huck.yaml uses for it. */
export type PowerSettingsSchema = z.ZodObject<{ driver: z.ZodLiteral<string> }>;

/** A kind of driver: what an entry in huck.yaml says, and how a driver is made of it. */
export interface PowerKind<Schema extends PowerSettingsSchema = PowerSettingsSchema> {
  /** Strict, with unit, default and bounds of each setting. */
  readonly settings: Schema;
  /**
   * Makes the driver of one node.
   *
   * @param node - Which.
   * @param settings - The node's entry.
   * @returns The driver. Nothing is switched or asked yet.
   */
  make(node: SwitchedNode, settings: z.output<Schema>): PowerDriver;
}
