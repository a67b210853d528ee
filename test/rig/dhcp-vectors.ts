/**
 * Captured DHCP messages and the table that the boot tests share.
 */
import { readFileSync } from "node:fs";
import { readMessage, writeMessage } from "../../server/boot/dhcp/message.ts";
import type { DhcpMessage } from "../../server/boot/dhcp/message.ts";
import type { BootNetwork, BootNode, BootTable } from "../../server/boot/boot-table.ts";

/** A message of test/vectors/dhcp as fresh bytes. */
export function vector(name: string): Uint8Array {
  const url = new URL(`../vectors/dhcp/${name}.txt`, import.meta.url);
  const lines = readFileSync(url, "utf8").split("\n");
  return Uint8Array.from(
    Buffer.from(lines.filter((line) => !line.startsWith("#")).join(""), "hex"),
  );
}

/** A captured message with some of its fields or options replaced; an undefined option is cut. */
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

/** A table with all captured MACs in its inventory and all loaders published. */
export function table(network: Partial<BootNetwork> = {}, node: Partial<BootNode> = {}): BootTable {
  const macs = [IPXE_MAC, OVMF_MAC, HTTP_MAC, "52:54:00:77:00:07", "dc:a6:32:00:00:01"];
  return {
    network: {
      mode: "proxy",
      serverAddress: "10.77.0.1",
      netmask: "255.255.255.0",
      httpPort: 8067,
      ...network,
    },
    nodes: new Map(
      macs.map((mac, index) => [mac, { name: `n${index}`, answer: "receiver", ...node }]),
    ),
    files: new Map([
      ["undionly.kpxe", "/boot/undionly.kpxe"],
      ["snponly.efi", "/boot/snponly.efi"],
      ["vmlinuz", "/boot/vmlinuz"],
      ["initramfs.zst", "/boot/initramfs.zst"],
    ]),
    roles: {
      loaderBios: "undionly.kpxe",
      loaderEfiX64: "snponly.efi",
      kernel: "vmlinuz",
      initramfs: ["initramfs.zst"],
    },
  };
}
