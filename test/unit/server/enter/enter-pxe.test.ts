/**
 * Goal: the driver says truly what it did and never throws for the node's faults. Method: power
 * drivers of the test.
 */
import { expect, test } from "vitest";
import type { PowerDriver, PowerState } from "../../../../server/power/power-driver.ts";
import { manualPower } from "../../../../server/power/manual.ts";
import { enterByPxe } from "../../../../server/enter/enter-pxe.ts";

const node = { name: "fit01", address: "", tell: () => undefined };
const byHand = manualPower.make(node, { driver: "manual" });

function request(power: PowerDriver): Parameters<typeof enterByPxe.enter>[0] {
  return { node: "fit01", power, timeoutMs: 1000, signal: new AbortController().signal };
}

function cycling(cycle: () => Promise<PowerState>): PowerDriver {
  return { ...byHand, kind: "command", cycle };
}

test("enterByPxe tells a person what to do when power is manual", async () => {
  const outcome = await enterByPxe.enter(request(byHand));
  expect(outcome).toEqual({
    started: true,
    detail: "please restart fit01 so that it boots from the network",
  });
});

test.each([
  ["on", true],
  ["unknown", true],
  ["off", false],
] as const)("enterByPxe after a cycle that ends %s: started is %s", async (state, started) => {
  const outcome = await enterByPxe.enter(request(cycling(() => Promise.resolve(state))));
  expect(outcome.started).toBe(started);
});

test("enterByPxe gives the reason of a power command that failed", async () => {
  const power = cycling(() => Promise.reject(new Error("no BMC")));
  expect(await enterByPxe.enter(request(power))).toMatchObject({
    started: false,
    reason: "no BMC",
  });
});
