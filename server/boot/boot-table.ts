/**
 * The table of boot answers: what each node shall do at its next boot, and what can be booted.
 *
 * `startLabBoot` makes a new table when the inventory or a wanted state has changed, and reads the
 * boot files again for it. A table itself never changes, and the services ask for nothing while a
 * PXE client waits: an answer depends on request, network, table and time, and on what the services
 * remember (leases, rates, which MAC has an address). Tokens are not in the table: one is minted
 * when a node fetches its script.
 */
import type { Ipv4, Mac } from "./addresses.ts";
import type { BootAssets } from "./assets.ts";

/** What a node shall do at this boot: enter the receiver, or start the system on its disk. */
export type BootAnswer = "receiver" | "disk";

/** A node of the inventory, as booting sees it. */
export interface BootNode {
  /** Its name in the inventory: letters, digits, `.`, `_`, `-`, at most 63. */
  readonly name: string;
  readonly answer: BootAnswer;
  /** Fixed address in full mode. Absent: one of the pool. */
  readonly address?: Ipv4;
  /**
   * More kernel arguments for the receiver, `key` or `key=value`; the script writer checks them.
   */
  readonly kernelArguments?: readonly string[];
}

/** Everything that changes while the boot services run. Immutable. */
export interface BootTable {
  readonly assets: BootAssets;
  /** By every MAC of every node in the inventory. */
  readonly nodes: ReadonlyMap<Mac, BootNode>;
}

/** Most nodes of a lab: as many as a session takes. It bounds what the services remember. */
export const NODES_MAX = 4096;
