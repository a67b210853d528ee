/**
 * The URLs that we hand out; file-tree.ts says what lies under them.
 */
import type { Mac } from "./addresses.ts";
import { macWithDashes } from "./addresses.ts";
import type { BootNetwork } from "./boot-network.ts";

/** Gives the URL of a published file. */
export function fileUrl(network: BootNetwork, name: string): string {
  return `${baseUrl(network)}/boot/files/${name}`;
}

/** Gives the URL of a node's script; `name` is the script's name, from its writer. */
export function scriptUrl(network: BootNetwork, mac: Mac, name: string): string {
  return `${baseUrl(network)}/boot/nodes/${macWithDashes(mac)}/${name}`;
}

function baseUrl({ serverAddress, httpPort }: BootNetwork): string {
  return `http://${serverAddress}:${httpPort}`;
}
