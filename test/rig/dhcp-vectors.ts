/**
 * Captured DHCP messages, and the table of boot answers that the boot tests share.
 */
import { readFileSync } from "node:fs";
import { readMessage, writeMessage } from "../../server/boot/dhcp/message.ts";
import type { DhcpMessage } from "../../server/boot/dhcp/message.ts";
import { assetsOf } from "../../server/boot/assets.ts";
import type { BootAsset } from "../../server/boot/assets.ts";
import type { BootNetwork } from "../../server/boot/boot-network.ts";
import type { BootNode, BootTable } from "../../server/boot/boot-table.ts";

/** A message of test/vectors/dhcp as fresh bytes. */
export function vector(name: string): Uint8Array {
  const url = new URL(`../vectors/dhcp/${name}.txt`, import.meta.url);
  const lines = readFileSync(url, "utf8").split("\n");
  return Uint8Array.from(
    Buffer.from(lines.filter((line) => !line.startsWith("#")).join(""), "hex"),
  );
}

/** A captured message with some fields or options replaced; an undefined option is removed. */
export function variant(
  name: string,
  fields: Partial<DhcpMessage>,
  options: Readonly<Record<number, readonly number[] | undefined>> = {},
): Uint8Array {
  const message = readMessage(vector(name));
  const changed = new Map(message.options);
  for (const [code, value] of Object.entries(options)) {
    if (value === undefined) changed.delete(Number(code));
    else changed.set(Number(code), Uint8Array.from(value));
  }
  return writeMessage({ ...message, ...fields, options: changed });
}

/** MAC of the captured iPXE ROM. */
export const IPXE_MAC = "52:54:00:77:00:00";
/** MAC of the captured OVMF PXE client. */
export const OVMF_MAC = "52:54:00:77:00:01";
/** MAC of the captured OVMF HTTP boot and proxyDHCP client. */
export const HTTP_MAC = "52:54:00:77:00:02";

/** A published file in /boot. */
function published(name: string): Pick<BootAsset, "name" | "path" | "sizeBytes"> {
  return { name, path: `/boot/${name}`, sizeBytes: 1000 };
}

/** What `make initramfs` makes: everything but a receiver and a loader for arm64. */
export const BOOT_ASSETS: readonly BootAsset[] = [
  { role: "kernel", architecture: "x64", ...published("vmlinuz") },
  { role: "archive", architecture: "x64", order: 0, ...published("initramfs.zst") },
  { role: "loader", architecture: "bios", ...published("undionly.kpxe") },
  { role: "loader", architecture: "efi-x64", ...published("snponly.efi") },
  { role: "extra", ...published("ipxe.efi") },
];

/** What is needed to boot arm64 as well. */
export const ARM64_ASSETS: readonly BootAsset[] = [
  { role: "kernel", architecture: "arm64", ...published("vmlinuz-arm64") },
  { role: "archive", architecture: "arm64", order: 0, ...published("initramfs-arm64.zst") },
  { role: "loader", architecture: "efi-arm64", ...published("snponly-arm64.efi") },
];

/** A table, and the network it is for. */
export interface NetworkTable extends BootTable {
  readonly network: BootNetwork;
}

/** A table with all captured MACs in its inventory, and a network. */
export function bootTable(
  network: Partial<BootNetwork> = {},
  node: Partial<BootNode> = {},
): NetworkTable {
  const macs = [IPXE_MAC, OVMF_MAC, HTTP_MAC, "52:54:00:77:00:07", "dc:a6:32:00:00:01"];
  return {
    network: {
      mode: "proxy",
      serverAddress: "10.77.0.1",
      netmask: "255.255.255.0",
      httpPort: 8067,
      ...network,
    },
    assets: assetsOf("0.1.0", BOOT_ASSETS),
    nodes: new Map(
      macs.map((mac, index) => [mac, { name: `n${index}`, answer: "receiver", ...node }]),
    ),
  };
}
