/**
 * EnterDriver: one way of bringing a node into the receiver.
 *
 * Each kind is one file and one line in enter-drivers.io.ts, and knows nothing of images. A node's
 * entry in huck.yaml names the kind that it takes, with settings that only this kind reads.
 */
import type * as z from "zod";
import type { PowerDriver } from "../power/power-driver.ts";

/** The node that a driver is made for. */
export interface EnteredNode {
  readonly name: string;
  /** All its MACs, in lower case with colons; at least one. */
  readonly macs: readonly string[];
  /** Empty when none is known. */
  readonly address: string;
  readonly power: PowerDriver;
}

/** Bounds of one attempt. */
export interface EnterBounds {
  /** The driver must have answered by then. Unit: milliseconds from the call. */
  readonly timeoutMs: number;
  /** Ends the wait early; a switching that has begun is still completed. */
  readonly signal: AbortSignal;
}

/** What the driver did. Only the node's join shows whether the receiver came up. */
export type EnterOutcome =
  | { readonly started: true; readonly detail: string }
  | { readonly started: false; readonly reason: string; readonly cure: string };

/** Brings one node into the receiver. */
export interface EnterDriver {
  /** Name of the driver in huck.yaml. */
  readonly kind: string;
  /**
   * Starts the node so that it boots into the receiver. Safe to repeat.
   *
   * @returns What was done, or why it could not be done. Faults of the node never throw.
   */
  enter(bounds: EnterBounds): Promise<EnterOutcome>;
}

/** What the settings of every driver have: the name that huck.yaml uses for it. */
export type EnterSettingsSchema = z.ZodObject<{ driver: z.ZodLiteral<string> }>;

/** A kind of driver: what an entry in huck.yaml says, and how a driver is made of it. */
export interface EnterKind<Schema extends EnterSettingsSchema = EnterSettingsSchema> {
  /** Strict, with unit, default and bounds of each setting. */
  readonly settings: Schema;
  /**
   * Makes the driver of one node. It is made anew for each attempt, so that it has the entry in
   * force; nothing is switched or asked yet.
   */
  make(node: EnteredNode, settings: z.output<Schema>): EnterDriver;
}
