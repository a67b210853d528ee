/** Makes the table of boot answers from the wanted states; called at every change. */
import type { BootAssets } from "../boot/assets.ts";
import type { BootNode, BootTable } from "../boot/boot-table.ts";
import type { Inventory } from "../inventory/inventory.ts";

/** Makes a new table that has every MAC of the inventory. */
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
