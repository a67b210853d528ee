/**
 * The registry of power drivers: every way of switching a node, under the name that huck.yaml uses.
 * A new one is one file and one line here.
 */
import assert from "node:assert/strict";
import * as z from "zod";
import { commandPower } from "./command.io.ts";
import { manualPower } from "./manual.ts";
import type { PowerDriver, PowerKind, SwitchedNode } from "./power-driver.ts";

const KINDS: readonly [PowerKind, ...PowerKind[]] = [
  manualPower, //
  commandPower,
];

const [FIRST, ...OTHERS] = KINDS;

/** A `power:` entry of huck.yaml: the settings of one driver. */
export const PowerSettings = z.discriminatedUnion("driver", [
  FIRST.settings,
  ...OTHERS.map(({ settings }) => settings),
]);
/** A `power:` entry of huck.yaml. */
export type PowerSettings = z.infer<typeof PowerSettings>;

/**
 * Makes the power driver of a node.
 *
 * @param node - Which.
 * @param entry - What {@link PowerSettings} made of its entry.
 * @returns The driver.
 */
export function powerDriver(node: SwitchedNode, entry: PowerSettings): PowerDriver {
  const found = KINDS.find(({ settings }) => settings.shape.driver.value === entry.driver);
  assert(found !== undefined, "huck.yaml names drivers that are there");
  return found.make(node, found.settings.parse(entry));
}
