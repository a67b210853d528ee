/**
 * What a node gets at a contact: a function of its wanted state, the same for every protocol.
 *
 * DHCP, proxyDHCP and the script server all ask here, so that no protocol can lead a node into the
 * receiver when another would start its disk. The default is always the disk; who is not in the
 * inventory gets nothing. iPXE gets a script and never a loader: a loader given to iPXE is iPXE
 * again, and the node would turn in circles.
 */
import type { Ipv4, Mac } from "./addresses.ts";
import { macWithDashes } from "./addresses.ts";
import type { Architecture, Firmware } from "./dhcp/firmware.ts";
import type { BootNode, BootRoles, BootTable } from "./boot-table.ts";

/** What a node gets. */
export type FirmwareAnswer =
  /** Nothing to fetch: firmware shall go on with the next boot device. */
  | { readonly kind: "disk" }
  /** A boot file by TFTP. */
  | { readonly kind: "file"; readonly file: string }
  /** A URL: iPXE's script, or the loader for UEFI HTTP boot. */
  | { readonly kind: "url"; readonly url: string }
  /** No file that this firmware could run is published. */
  | { readonly kind: "unfit"; readonly architecture: Architecture };

/**
 * Decides the answer to a firmware.
 *
 * @param firmware - Who asks.
 * @param mac - Its MAC address, part of the script's URL.
 * @param node - The inventory's node with that MAC.
 * @param table - Network and published files.
 * @returns What it gets. iPXE gets its script even when there is nothing to do: the script then
 * says so.
 */
export function decideBoot(
  firmware: Firmware,
  mac: Mac,
  node: BootNode,
  table: BootTable,
): FirmwareAnswer {
  const { serverAddress, httpPort } = table.network;
  if (firmware.kind === "ipxe")
    return { kind: "url", url: scriptUrl(serverAddress, httpPort, mac) };
  if (firmware.kind === "none") return { kind: "disk" };
  const { architecture } = firmware;
  if (node.answer === "disk" && !leavesFasterByScript(firmware)) return { kind: "disk" };
  const loader = firmware.kind === "raspberry" ? undefined : loaderFor(architecture, table.roles);
  if (loader === undefined || !table.files.has(loader)) {
    return node.answer === "disk" ? { kind: "disk" } : { kind: "unfit", architecture };
  }
  if (firmware.kind === "http") {
    return { kind: "url", url: fileUrl(serverAddress, httpPort, loader) };
  }
  return { kind: "file", file: loader };
}

/**
 * Gives the URL of a published file.
 *
 * @param address - Our lab address.
 * @param port - The boot file server's port.
 * @param name - A key of the table's files.
 * @returns An http URL.
 */
export function fileUrl(address: Ipv4, port: number, name: string): string {
  return `http://${address}:${port}/boot/files/${name}`;
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

function scriptUrl(address: Ipv4, port: number, mac: Mac): string {
  return `http://${address}:${port}/boot/nodes/${macWithDashes(mac)}/script.ipxe`;
}

function loaderFor(architecture: Architecture, roles: BootRoles): string | undefined {
  switch (architecture) {
    case "bios":
      return roles.loaderBios;
    case "efi-x64":
      return roles.loaderEfiX64;
    case "efi-arm64":
      return roles.loaderEfiArm64;
    case "other":
      return undefined;
  }
}
