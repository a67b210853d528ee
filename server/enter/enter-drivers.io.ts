/**
 * The registry of enter drivers, by the name that huck.yaml uses. A new driver is one file and one
 * line here.
 */
import assert from "node:assert/strict";
import type { EnterDriver } from "./enter-driver.ts";
import { enterByPxe } from "./enter-pxe.ts";

const DRIVERS: readonly EnterDriver[] = [
  enterByPxe, //
];

export const ENTER_KINDS: readonly string[] = DRIVERS.map(({ kind }) => kind);

/** Gives the driver of a kind. The configuration has refused all but {@link ENTER_KINDS}. */
export function enterDriver(kind: string): EnterDriver {
  const driver = DRIVERS.find((one) => one.kind === kind);
  assert(driver !== undefined, "huck.yaml names drivers that are there");
  return driver;
}
