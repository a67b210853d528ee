/**
 * The table: all that the boot services know of the rest of huck.
 *
 * The session layer builds a new one whenever inventory or wanted state changes and pushes it; the
 * services never ask back while a PXE client waits. One table is immutable, so a decision is a
 * function of (request, table, now). Tokens are not in it: they are minted when a node fetches
 * its script.
 */
import type { Ipv4, Mac } from "./addresses.ts";

/** What a node shall do at this boot: enter the receiver, or start the system on its disk. */
export type BootAnswer = "receiver" | "disk";

/** A node of the inventory, as booting sees it. */
export interface BootNode {
  /** Its name in the inventory: letters, digits, `.`, `_`, `-`, at most 63. */
  readonly name: string;
  /** What its wanted state comes to at this boot. */
  readonly answer: BootAnswer;
  /** Fixed address in full mode. Absent: one of the pool. */
  readonly address?: Ipv4;
  /** More kernel arguments for the receiver, `key` or `key=value`, checked by the script writer. */
  readonly kernelArguments?: readonly string[];
}

/** The lab network that is served: one interface, one subnet. */
export interface BootNetwork {
  /** `proxy`: boot answers only, beside the site's DHCP server. `full`: we are the DHCP server. */
  readonly mode: "proxy" | "full";
  /** Our address on the lab interface. */
  readonly serverAddress: Ipv4;
  /** Mask of that subnet. */
  readonly netmask: Ipv4;
  /** TCP port of the boot file server. */
  readonly httpPort: number;
  /** Addresses for nodes without a fixed one, both ends included. Full mode only. */
  readonly pool?: { readonly first: Ipv4; readonly last: Ipv4 };
  /** Default router to hand out. Full mode only. */
  readonly router?: Ipv4;
  /** Name servers to hand out, at most {@link DNS_SERVERS_MAX}. Full mode only. */
  readonly dns?: readonly Ipv4[];
  /**
   * Lease time, 120 .. 2^31-1. Unit: seconds. Full mode only. Default {@link
   * LEASE_SECONDS_DEFAULT}.
   */
  readonly leaseSeconds?: number;
}

/**
 * Names of the published boot files by their part; every name is a key of {@link
 * BootTable.files}.
 */
export interface BootRoles {
  /** iPXE for PC BIOS (undionly.kpxe). */
  readonly loaderBios?: string;
  /** iPXE for x86-64 UEFI (snponly.efi); also what UEFI HTTP boot fetches. */
  readonly loaderEfiX64?: string;
  /** iPXE for arm64 UEFI. */
  readonly loaderEfiArm64?: string;
  /** The receiver's kernel. */
  readonly kernel: string;
  /** The receiver's initramfs archives, in order. */
  readonly initramfs: readonly string[];
}

/** Everything the boot services know. */
export interface BootTable {
  /**
   * The lab network. Interface, addresses, ports and mode are fixed at start; a change needs a
   * restart.
   */
  readonly network: BootNetwork;
  /** The inventory: every MAC of every node, at most {@link NODES_MAX} entries. */
  readonly nodes: ReadonlyMap<Mac, BootNode>;
  /**
   * Published files: name as asked for -> absolute path on this host. Nothing else can be fetched.
   */
  readonly files: ReadonlyMap<string, string>;
  /** Which of the files plays which part. */
  readonly roles: BootRoles;
}

/** Most MACs in a table (protocol-and-safety: 4096 nodes a session). */
export const NODES_MAX = 4096;
/** Most name servers handed out: keeps every answer under 576 bytes. */
export const DNS_SERVERS_MAX = 3;
/** Lease time when none is configured: longer than any imaging run, shorter than a working day. */
export const LEASE_SECONDS_DEFAULT = 7200;
