/**
 * Goal: a node's entry finds its driver, with its settings. Method: entries as huck.yaml has them.
 */
import { expect, test } from "vitest";
import { PowerSettings, powerDriver } from "../../../../server/power/power-drivers.io.ts";

const node = { name: "fit01", address: "", tell: () => undefined };

test("powerDriver() makes each driver under the name that its settings give", () => {
  const names = PowerSettings.options.map(({ shape }) => shape.driver.value);
  expect(new Set(names).size).toBe(names.length);
  const entries = [{ driver: "manual" }, { driver: "command", on: "true", off: "true" }];
  const made = entries.map((entry) => powerDriver(node, PowerSettings.parse(entry)).kind);
  expect(made).toEqual(names);
});

test("powerDriver() hands the settings of the entry to the driver", async () => {
  const entry = { driver: "command", on: "true", off: "true", state: 'echo "off $NODE"' };
  const driver = powerDriver(node, PowerSettings.parse(entry));
  expect((await driver.state({ timeoutMs: 5000 })).power).toBe("off");
});

test.each([
  [{ driver: "magic" }],
  [{ driver: "manual", on: "true" }],
  [{ driver: "command", on: "true" }],
])("PowerSettings refuses %j", (entry) => {
  expect(PowerSettings.safeParse(entry).success).toBe(false);
});
