/**
 * From wanted states to the table of boot answers: one pure function, called at every change.
 */
import type { BootAssets } from "../boot/assets.ts";
import type { BootNode, BootTable } from "../boot/boot-table.ts";
import type { Inventory } from "../inventory/inventory.ts";

/**
 * Makes the table.
 *
 * @param inventory - As it is now.
 * @param wantsReceiver - Whether a node shall enter the receiver at its next boot.
 * @param assets - What can be booted.
 * @returns A new table with every MAC of the inventory.
 */
export function bootTableOf(
  inventory: Inventory,
  wantsReceiver: (node: string) => boolean,
  assets: BootAssets,
): BootTable {
  const nodes = new Map<string, BootNode>();
  for (const { name, macs, address, kernelArguments } of inventory.nodes) {
    const node: BootNode = {
      name,
      answer: wantsReceiver(name) ? "receiver" : "disk",
      kernelArguments,
      ...(address === undefined ? {} : { address }),
    };
    for (const mac of macs) nodes.set(mac, node);
  }
  return { assets, nodes };
}
