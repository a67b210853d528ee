/**
 * Goal: what boots is decided by wanted state alone, for every MAC of a node. Method: a small
 * inventory.
 */
import { expect, test } from "vitest";
import { Inventory, NodeEntry } from "../../../../server/inventory/inventory.ts";
import { assetsOf } from "../../../../server/boot/assets.ts";
import { bootTableOf } from "../../../../server/enter/boot-answers.ts";
import { BOOT_ASSETS } from "../../../rig/dhcp-vectors.ts";

const assets = assetsOf("0.1.0", BOOT_ASSETS);
const entries = [
  { name: "a", macs: ["52:54:00:00:00:01", "52:54:00:00:00:11"], address: "10.0.0.5" },
  { name: "b", macs: ["52:54:00:00:00:02"] },
].map((entry) => NodeEntry.parse(entry));

test("bootTableOf() answers receiver only where it is wanted, for all MACs of the node", () => {
  const { nodes } = bootTableOf(new Inventory(entries, {}), (node) => node === "a", assets);
  expect(nodes.get("52:54:00:00:00:01")).toEqual({
    name: "a",
    answer: "receiver",
    kernelArguments: [],
    address: "10.0.0.5",
  });
  expect(nodes.get("52:54:00:00:00:11")?.answer).toBe("receiver");
  expect(nodes.get("52:54:00:00:00:02")).toMatchObject({ name: "b", answer: "disk" });
  expect(nodes.size).toBe(3);
});

test("bootTableOf() follows the inventory and the assets of each call", () => {
  const both = new Inventory(entries, {});
  const one = new Inventory(entries.slice(1), {});
  expect(bootTableOf(both, () => false, assets).nodes.size).toBe(3);
  const table = bootTableOf(one, () => true, assets);
  expect([...table.nodes.keys()]).toEqual(["52:54:00:00:00:02"]);
  expect(table.assets).toBe(assets);
});
