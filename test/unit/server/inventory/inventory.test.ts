/**
 * Goal: whatever is not in the inventory is not found, and an entry leaves nothing open. Method:
 * small inventories.
 */
import { expect, test } from "vitest";
import {
  Inventory,
  NodeEntry,
  duplicateOf,
  inventoryChanges,
} from "../../../../server/inventory/inventory.ts";

function entry(name: string, mac: string, more: object = {}): NodeEntry {
  return NodeEntry.parse({ name, macs: [mac], ...more });
}

test("NodeEntry takes MACs in any notation and refuses unknown words", () => {
  expect(entry("a", "52-54-00-AB-CD-EF").macs).toEqual(["52:54:00:ab:cd:ef"]);
  expect(() => entry("a", "52:54:00:00:00")).toThrow();
  expect(() => entry("a", "52:54:00:00:00:01", { reimge: "free" })).toThrow();
});

test("Inventory completes an entry from defaults, and an unmarked node must be confirmed", () => {
  const one = entry("a", "52:54:00:00:00:01");
  const two = entry("b", "52:54:00:00:00:02", { reimage: "free", disk: [{ serial: "S" }] });
  const [a, b] = new Inventory([one, two], { leave: "poweroff" }).nodes;
  expect(a).toMatchObject({
    reimage: "confirm",
    disk: [{}],
    leave: "poweroff",
    power: { driver: "manual" },
  });
  expect(b).toMatchObject({ reimage: "free", disk: [{ serial: "S" }] });
});

test("Inventory takes kernel arguments from the entry, else from defaults, one word each", () => {
  const [one, two] = [entry("a", "52:54:00:00:00:01"), entry("b", "52:54:00:00:00:02", QUIET)];
  const { nodes } = new Inventory([one, two], { kernelArguments: ["console=ttyS0,115200"] });
  expect(nodes.map(({ kernelArguments }) => kernelArguments)).toEqual([
    ["console=ttyS0,115200"],
    ["quiet"],
  ]);
  for (const bad of ["two words", "new\nline", ""]) {
    expect(() => entry("c", "52:54:00:00:00:03", { kernelArguments: [bad] })).toThrow();
  }
});

const QUIET = { kernelArguments: ["quiet"] };

test("Inventory.named() and withMac() find known nodes only", () => {
  const inventory = new Inventory([entry("a", "52:54:00:00:00:01")], {});
  expect(inventory.named("a").name).toBe("a");
  expect(() => inventory.named("b")).toThrow(expect.objectContaining({ code: "unknown_node" }));
  expect(inventory.withMac(["52:54:00:99:99:99", "52:54:00:00:00:01"])?.name).toBe("a");
  expect(inventory.withMac(["52:54:00:99:99:99"])).toBeUndefined();
});

test("duplicateOf() finds shared names, MACs and addresses with their place", () => {
  const a = entry("a", "52:54:00:00:00:01", { address: "10.0.0.1" });
  expect(duplicateOf([a, entry("b", "52:54:00:00:00:02")])).toBeUndefined();
  expect(duplicateOf([a, entry("a", "52:54:00:00:00:02")])?.path).toEqual([1, "name"]);
  expect(duplicateOf([a, entry("b", "52:54:00:00:00:01")])?.path).toEqual([1, "macs", 0]);
  expect(duplicateOf([a, entry("b", "52:54:00:00:00:02", { address: "10.0.0.1" })])?.path).toEqual([
    1,
    "address",
  ]);
});

test("inventoryChanges() names what came, went and differs", () => {
  const before = new Inventory(
    [entry("a", "52:54:00:00:00:01"), entry("b", "52:54:00:00:00:02")],
    {},
  );
  const entries = [entry("b", "52:54:00:00:00:03"), entry("c", "52:54:00:00:00:01")];
  expect(inventoryChanges(before, new Inventory(entries, {}))).toEqual({
    added: ["c"],
    removed: ["a"],
    changed: ["b"],
  });
  expect(inventoryChanges(before, before)).toEqual({ added: [], removed: [], changed: [] });
});
