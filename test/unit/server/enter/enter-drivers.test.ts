/** Goal: a node's entry finds its driver. Method: entries as huck.yaml has them. */
import { expect, test } from "vitest";
import { EnterSettings, enterDriver } from "../../../../server/enter/enter-drivers.io.ts";
import { manualPower } from "../../../../server/power/manual.ts";

const power = manualPower.make(
  { name: "fit01", address: "", tell: () => undefined },
  { driver: "manual" },
);
const node = { name: "fit01", macs: ["52:54:00:00:00:01"], address: "", power };

test.each(["pxe", { driver: "pxe" }])("enterDriver() makes the pxe driver of %j", (entry) => {
  expect(enterDriver(node, EnterSettings.parse(entry)).kind).toBe("pxe");
});

test.each(["pixie", { driver: "pixie" }, { driver: "pxe", bmc: "10.0.0.9" }, 7, {}])(
  "EnterSettings refuses %j",
  (entry) => {
    expect(EnterSettings.safeParse(entry).success).toBe(false);
  },
);
