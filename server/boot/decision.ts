/**
 * Decides what firmware is told to fetch: from the node's boot answer, the same way in DHCP and
 * proxyDHCP.
 *
 * Without a reason to boot from us, the node boots its disk. iPXE gets a script and never a loader:
 * our loader is iPXE, so iPXE would load itself again and again.
 */
import type { Mac } from "./addresses.ts";
import type { BootAsset, BootAssets } from "./assets.ts";
import type { Processor } from "./boot-manifest.ts";
import type { BootNetwork } from "./boot-network.ts";
import type { BootNode } from "./boot-table.ts";
import type { Architecture, Firmware } from "./dhcp/firmware.ts";
import { fileUrl, scriptUrl } from "./urls.ts";
import { ipxeScript } from "./scripts/ipxe.ts";

/** What firmware is told. */
export type FirmwareAnswer =
  /** Nothing to fetch: firmware goes on with the next boot device. */
  | { readonly kind: "disk" }
  /** A file to fetch by TFTP. */
  | { readonly kind: "file"; readonly file: string }
  /** A URL: that of iPXE's script, or of the loader for UEFI HTTP boot. */
  | { readonly kind: "url"; readonly url: string }
  /** We publish no file that this firmware or processor could run. */
  | { readonly kind: "unfit"; readonly architecture: Architecture };

/** The program that asks, and its node. */
export interface BootAsker {
  readonly firmware: Firmware;
  /** MAC address that it asks from; part of the script's URL. */
  readonly mac: Mac;
  /** The node of the inventory with that MAC. */
  readonly node: BootNode;
}

/**
 * Decides what a firmware is told. If the node has nothing to do, iPXE gets its script and UEFI its
 * loader all the same, and the script says so; others are sent to their disk.
 */
export function decideBoot(
  asker: BootAsker,
  network: BootNetwork,
  assets: BootAssets,
): FirmwareAnswer {
  const { firmware, mac, node } = asker;
  const { architecture, kind } = firmware;
  if (kind === "none") return { kind: "disk" };
  const processor = processorOf(architecture);
  const isIdle = node.answer === "disk";
  if (!isIdle && !assets.receivers.has(processor)) return { kind: "unfit", architecture };
  if (kind === "ipxe") {
    return { kind: "url", url: scriptUrl(network, mac, ipxeScript.names[processor]) };
  }
  if (isIdle && !leavesFasterByScript(firmware)) return { kind: "disk" };
  const loader = kind === "raspberry" ? undefined : loaderFor(architecture, assets);
  if (loader === undefined) return isIdle ? { kind: "disk" } : { kind: "unfit", architecture };
  if (kind === "http") return { kind: "url", url: fileUrl(network, loader.name) };
  return { kind: "file", file: loader.name };
}

/**
 * Without a boot file, UEFI asks again after 4, 8, 16 and 32 seconds before it goes on to the disk:
 * OVMF took 74 s. With our loader and "exit 1" it took 13 s on the same busy computer.
 */
function leavesFasterByScript(firmware: Firmware): boolean {
  const { architecture, kind } = firmware;
  const isUefi = architecture === "efi-x64" || architecture === "efi-arm64";
  return isUefi && kind !== "raspberry";
}

/** Old iPXE does not tell its architecture; it runs on a BIOS. */
function processorOf(architecture: Architecture): Processor {
  return architecture === "efi-arm64" ? "arm64" : "x64";
}

function loaderFor(architecture: Architecture, assets: BootAssets): BootAsset | undefined {
  return architecture === "other" ? undefined : assets.loaders.get(architecture);
}
