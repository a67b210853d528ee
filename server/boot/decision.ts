/**
 * What firmware is told to fetch: a function of the node's boot answer, the same in DHCP and
 * proxyDHCP.
 *
 * The default is always the disk. iPXE gets a script and never a loader: a loader given to iPXE is
 * iPXE again, and the node would turn in circles.
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
  /** Nothing to fetch: firmware shall go on with the next boot device. */
  | { readonly kind: "disk" }
  /** A boot file by TFTP. */
  | { readonly kind: "file"; readonly file: string }
  /** A URL: iPXE's script, or the loader for UEFI HTTP boot. */
  | { readonly kind: "url"; readonly url: string }
  /** No file that this firmware or processor could run is published. */
  | { readonly kind: "unfit"; readonly architecture: Architecture };

/** Who asks. */
export interface BootAsker {
  readonly firmware: Firmware;
  /** Its MAC address, part of the script's URL. */
  readonly mac: Mac;
  /** The inventory's node with that MAC. */
  readonly node: BootNode;
}

/**
 * Decides the answer to a firmware.
 *
 * @param asker - Who asks.
 * @param network - Where the files are served.
 * @param assets - What is published.
 * @returns What it is told. iPXE gets its script even when there is nothing to do: the script then
 * says so.
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
 * UEFI that finds no boot file asks again after 4, 8, 16 and 32 seconds before it goes on to the
 * disk: OVMF took 74 s. With loader and "exit 1" it took 13 s on the same busy computer.
 */
function leavesFasterByScript(firmware: Firmware): boolean {
  const { architecture, kind } = firmware;
  const isUefi = architecture === "efi-x64" || architecture === "efi-arm64";
  return isUefi && kind !== "raspberry";
}

/** Old iPXE tells no architecture; it is a BIOS's. */
function processorOf(architecture: Architecture): Processor {
  return architecture === "efi-arm64" ? "arm64" : "x64";
}

function loaderFor(architecture: Architecture, assets: BootAssets): BootAsset | undefined {
  return architecture === "other" ? undefined : assets.loaders.get(architecture);
}
