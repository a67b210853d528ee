/**
 * A boot entry: the kernel, the archives in order and the arguments with which one node enters the
 * receiver at one boot.
 *
 * It is the same for every boot program. The script writers (scripts/) put it into the words of
 * iPXE and other programs.
 */
import type { Ipv4, Mac } from "./addresses.ts";
import { macWithDashes } from "./addresses.ts";
import type { BootAsset, ReceiverAssets } from "./assets.ts";
import type { BootNetwork } from "./boot-network.ts";
import type { BootNode } from "./boot-table.ts";
import { fileUrl } from "./urls.ts";

/** What a receiver needs in order to join; minted for each boot. */
export interface BootGrant {
  /** Base URL of the node API. */
  readonly serverUrl: string;
  /** Single-use token bound to the node, 128 random bits in hex or base64url. */
  readonly token: string;
  /** The server's public order key, for checking signed orders. */
  readonly serverKey: string;
}

/** The boot that a token is minted for. */
export interface GrantRequest {
  /** Name of the node. */
  readonly node: string;
  /** The MAC that it boots with. */
  readonly mac: Mac;
  /** The address that it fetched its script from. */
  readonly address: Ipv4;
}

/** A file of an entry. */
export interface EntryFile {
  /** Its published name, which is also its name in the kernel's `initrd=`. */
  readonly name: string;
  /** Where to fetch it by HTTP. */
  readonly url: string;
}

/** How one node enters the receiver. */
export interface BootEntry {
  /** Name of the node. */
  readonly node: string;
  readonly kernel: EntryFile;
  /** The receiver's archives, in the order in which they are unpacked. */
  readonly archives: readonly EntryFile[];
  /**
   * Kernel arguments, `key` or `key=value`. The node's address is not among them: only the boot
   * program that asked DHCP knows it.
   */
  readonly arguments: readonly string[];
}

export interface EntryParts {
  /** The MAC that the node boots with; the receiver uses the same interface. */
  readonly mac: Mac;
  readonly node: BootNode;
  /** The receiver for the node's processor. */
  readonly receiver: ReceiverAssets;
  readonly network: BootNetwork;
  readonly grant: BootGrant;
}

/** Makes the entry of one boot. Its words are unchecked: each script writer has its own syntax. */
export function receiverEntry(parts: EntryParts): BootEntry {
  const { mac, node, receiver, network, grant } = parts;
  const file = ({ name }: BootAsset): EntryFile => ({ name, url: fileUrl(network, name) });
  const own = node.kernelArguments ?? [];
  return {
    node: node.name,
    kernel: file(receiver.kernel),
    archives: receiver.archives.map(file),
    arguments: [
      `BOOTIF=01-${macWithDashes(mac)}`,
      // By default a receiver restarts after a kernel panic; the site may choose otherwise.
      ...(own.some((one) => one.startsWith("panic=")) ? [] : [PANIC]),
      `huck.server=${grant.serverUrl}`,
      `huck.token=${grant.token}`,
      `huck.key=${grant.serverKey}`,
      ...own,
    ],
  };
}

/** The kernel restarts the node this long after a panic. Unit: seconds. */
const PANIC = "panic=10";
