/**
 * Goal: the driver says truly what it did and never throws for the node's faults. Method: power
 * drivers of the test.
 */
import { expect, test } from "vitest";
import type { EnterOutcome } from "../../../../server/enter/enter-driver.ts";
import type { PowerDriver, PowerState } from "../../../../server/power/power-driver.ts";
import { manualPower } from "../../../../server/power/manual.ts";
import { pxeEnter } from "../../../../server/enter/enter-pxe.ts";

const byHand = manualPower.make(
  { name: "fit01", address: "", tell: () => undefined },
  { driver: "manual" },
);

async function enterWith(power: PowerDriver): Promise<EnterOutcome> {
  const node = { name: "fit01", macs: ["52:54:00:00:00:01"], address: "", power };
  const bounds = { timeoutMs: 1000, signal: new AbortController().signal };
  return await pxeEnter.make(node, { driver: "pxe" }).enter(bounds);
}

function cycling(cycle: () => Promise<PowerState>): PowerDriver {
  return { ...byHand, kind: "command", cycle };
}

test("pxeEnter tells a person what to do when power is manual", async () => {
  expect(await enterWith(byHand)).toEqual({
    started: true,
    detail: "please restart fit01 so that it boots from the network",
  });
});

test.each([
  ["on", true],
  ["unknown", true],
  ["off", false],
] as const)("pxeEnter after a cycle that ends %s: started is %s", async (state, started) => {
  const outcome = await enterWith(cycling(() => Promise.resolve(state)));
  expect(outcome.started).toBe(started);
});

test("pxeEnter gives the reason of a power command that failed", async () => {
  const outcome = await enterWith(cycling(() => Promise.reject(new Error("no BMC"))));
  expect(outcome).toMatchObject({ started: false, reason: "no BMC" });
});
