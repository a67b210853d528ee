/**
 * Goal: a way into the receiver that needs settings has them parsed by its own schema, and its
 * driver gets them with all facts of the node. Method: two kinds of the test, as Redfish and
 * wake-on-LAN will be.
 */
import { expect, test } from "vitest";
import * as z from "zod";
import type { EnterKind, EnteredNode } from "../../../../server/enter/enter-driver.ts";
import { enterSchema, makeEnterDriver } from "../../../../server/enter/enter-kinds.ts";
import type { EnterKinds } from "../../../../server/enter/enter-kinds.ts";
import { manualPower } from "../../../../server/power/manual.ts";
import { parseConfig } from "../../../rig/parse-config.ts";
import { NODE_DRIVERS } from "../../../../server/node-drivers.io.ts";

const Bmc = z.strictObject({
  driver: z.literal("bmc"),
  url: z.url(),
  user: z.string().default("root"),
});
const Wake = z.strictObject({ driver: z.literal("wake"), tries: z.number().default(3) });

/** Its outcome tells what it was made of. */
function telling<Schema extends typeof Bmc | typeof Wake>(settings: Schema): EnterKind<Schema> {
  return {
    settings,
    make: ({ name, macs, address, power }, entry) => ({
      kind: entry.driver,
      enter: () => {
        const detail = JSON.stringify({ name, macs, address, power: power.kind, entry });
        return Promise.resolve({ started: true, detail });
      },
    }),
  };
}

const kinds: EnterKinds = [telling(Bmc), telling(Wake)];
const schema = enterSchema(kinds);
const tell = (): void => undefined;
const node: EnteredNode = {
  name: "fit01",
  macs: ["52:54:00:00:00:01", "52:54:00:00:00:11"],
  address: "10.0.0.5",
  power: manualPower.make({ name: "fit01", address: "", tell }, { driver: "manual" }),
};

test.each([
  ["wake", { driver: "wake", tries: 3 }],
  [
    { driver: "bmc", url: "https://10.0.0.9" },
    { driver: "bmc", url: "https://10.0.0.9", user: "root" },
  ],
])("makeEnterDriver() gives a driver of %j the node and its settings", async (written, entry) => {
  const driver = makeEnterDriver(kinds, node, schema.parse(written));
  expect(driver.kind).toBe(entry.driver);
  const outcome = await driver.enter({ timeoutMs: 1, signal: new AbortController().signal });
  const { power, ...facts } = node;
  expect(outcome).toEqual({
    started: true,
    detail: JSON.stringify({ ...facts, power: power.kind, entry }),
  });
});

const huckYaml = (enter: string): string => `server: { address: 10.0.0.1 }
nodes:
  - name: fit01
    macs: ["52:54:00:00:00:01"]
    enter: ${enter}
`;

test.each([
  ["a setting that is missing", "bmc", /line 5: nodes\.0\.enter\.url: /],
  ["a bad setting", "{ driver: bmc, url: 7 }", /line 5: nodes\.0\.enter\.url: /],
  ["an unknown setting", "{ driver: wake, mac: x }", /line 5: nodes\.0\.enter: .*mac/],
  ["an unknown name", "pixie", /line 5: nodes\.0\.enter: .*"pixie".* one of bmc, wake wanted/],
  ["settings of no driver", "{ url: x }", /line 5: nodes\.0\.enter\.driver: /],
  ["what is neither", "7", /line 5: nodes\.0\.enter: a name, or a map with `driver:`, wanted/],
])("a huck.yaml with %s is refused with its line", (_what, enter, wanted) => {
  const drivers = { ...NODE_DRIVERS, enter: schema };
  expect(() => parseConfig(huckYaml(enter), "/lab/huck.yaml", drivers)).toThrow(wanted);
});
