/**
 * From wanted states to what the boot services know: one pure function, called at every change.
 */
import type { BootNetwork, BootNode, BootRoles, BootTable } from "../boot/boot-table.ts";
import type { Inventory } from "../inventory/inventory.ts";

/** What does not change while the server runs. */
export interface BootGround {
  readonly network: BootNetwork;
  /** Published names and their absolute paths. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Builds the table.
 *
 * @param ground - Network and files.
 * @param inventory - All nodes.
 * @param wantsReceiver - Whether a node shall enter the receiver at its next boot.
 * @returns A new table.
 */
export function bootTableOf(
  ground: BootGround,
  inventory: Inventory,
  wantsReceiver: (node: string) => boolean,
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
  return { network: ground.network, nodes, files: ground.files, roles: rolesOf(ground.files) };
}

/**
 * Which file plays which part goes by its name; what is not there is not offered. A copy like
 * `initramfs.zst.old` is no archive of the receiver's.
 */
function rolesOf(files: ReadonlyMap<string, string>): BootRoles {
  const initramfs = [...files.keys()].filter((name) =>
    /^initramfs[A-Za-z0-9._-]*[.]zst$/.test(name),
  );
  return {
    kernel: "vmlinuz",
    initramfs: initramfs.length === 0 ? ["initramfs.zst"] : initramfs.sort(coreFirst),
    ...(files.has("undionly.kpxe") ? { loaderBios: "undionly.kpxe" } : {}),
    ...(files.has("snponly.efi") ? { loaderEfiX64: "snponly.efi" } : {}),
    ...(files.has("snponly-arm64.efi") ? { loaderEfiArm64: "snponly-arm64.efi" } : {}),
  };
}

/** The core archive has the shortest name; later archives add to it. */
function coreFirst(left: string, right: string): number {
  return left.length - right.length || (left < right ? -1 : 1);
}
