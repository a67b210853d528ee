/**
 * The registry of enter drivers: every way into the receiver, under the name that huck.yaml uses. A
 * new one is one file and one line here.
 */
import assert from "node:assert/strict";
import type { EnterDriver } from "./enter-driver.ts";
import { enterByPxe } from "./enter-pxe.ts";

const DRIVERS: readonly EnterDriver[] = [
  enterByPxe, //
];

/** Names of all drivers. */
export const ENTER_KINDS: readonly string[] = DRIVERS.map(({ kind }) => kind);

/**
 * Gives the driver that a node's entry names.
 *
 * @param kind - One of {@link ENTER_KINDS}; the configuration was refused otherwise.
 * @returns The driver.
 */
export function enterDriver(kind: string): EnterDriver {
  const driver = DRIVERS.find((one) => one.kind === kind);
  assert(driver !== undefined, "huck.yaml names drivers that are there");
  return driver;
}
