/**
 * Goal: the manual driver tells a person and claims nothing. Method: the contract, and what was
 * told.
 */
import { expect, test } from "vitest";
import { manualPower } from "../../../../server/power/manual.ts";
import type { PowerDriver } from "../../../../server/power/power-driver.ts";
import { powerContract } from "./contract.ts";

function driverOf(tell: (text: string) => void): PowerDriver {
  return manualPower.make({ name: "fit01", address: "", tell }, { driver: "manual" });
}

powerContract("manual", () => ({
  driver: driverOf(() => undefined),
  found: () => "unknown",
}));

test("manualPower names node and action, and says nothing when it only looks", async () => {
  const told: string[] = [];
  const driver = driverOf((text) => told.push(text));
  const deadline = { timeoutMs: 1 };
  await driver.state(deadline);
  await driver.on(deadline);
  await driver.off("soft", deadline);
  await driver.off("hard", deadline);
  await driver.cycle(deadline);
  expect(told).toEqual([
    "please switch fit01 on",
    "please shut fit01 down",
    "please switch fit01 off",
    "please restart fit01 so that it boots from the network",
  ]);
});
