/**
 * Goal: what boots is decided by wanted state alone, for every MAC of a node. Method: a small
 * inventory.
 */
import { expect, test } from "vitest";
import { Inventory, NodeEntry } from "../../../../server/inventory/inventory.ts";
import { bootTableOf } from "../../../../server/enter/boot-answers.ts";

const network = {
  mode: "proxy",
  serverAddress: "10.0.0.1",
  netmask: "255.0.0.0",
  httpPort: 1,
} as const;
const entries = [
  { name: "a", macs: ["52:54:00:00:00:01", "52:54:00:00:00:11"], address: "10.0.0.5" },
  { name: "b", macs: ["52:54:00:00:00:02"] },
].map((entry) => NodeEntry.parse(entry));

test("bootTableOf() answers receiver only where it is wanted, for all MACs of the node", () => {
  const ground = { network, files: new Map([["vmlinuz", "/x/vmlinuz"]]) };
  const { nodes } = bootTableOf(ground, new Inventory(entries, {}), (node) => node === "a");
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

test("bootTableOf() offers loaders that are there and archives in order", () => {
  const initramfs = ["initramfs.zst", "initramfs-extra.zst", "initramfs.zst.old", "initramfs"];
  const names = ["vmlinuz", ...initramfs, "snponly.efi", "notes.txt"];
  const files = new Map(names.map((name) => [name, `/x/${name}`]));
  const { roles } = bootTableOf({ network, files }, new Inventory([], {}), () => false);
  expect(roles).toEqual({
    kernel: "vmlinuz",
    initramfs: ["initramfs.zst", "initramfs-extra.zst"],
    loaderEfiX64: "snponly.efi",
  });
});
