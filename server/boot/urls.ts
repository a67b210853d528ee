/**
 * The URLs that we hand out; file-tree.ts says what lies under them.
 */
import type { Mac } from "./addresses.ts";
import { macWithDashes } from "./addresses.ts";
import type { BootNetwork } from "./boot-network.ts";

/**
 * Gives the URL of a published file.
 *
 * @param network - Address and port of the boot file server.
 * @param name - A name of the published files.
 * @returns An http URL.
 */
export function fileUrl(network: BootNetwork, name: string): string {
  return `${baseUrl(network)}/boot/files/${name}`;
}

/**
 * Gives the URL of a node's script.
 *
 * @param network - Address and port of the boot file server.
 * @param mac - The MAC the node boots with.
 * @param name - The script's name, as its writer says.
 * @returns An http URL.
 */
export function scriptUrl(network: BootNetwork, mac: Mac, name: string): string {
  return `${baseUrl(network)}/boot/nodes/${macWithDashes(mac)}/${name}`;
}

function baseUrl({ serverAddress, httpPort }: BootNetwork): string {
  return `http://${serverAddress}:${httpPort}`;
}
