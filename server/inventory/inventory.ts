/**
 * The inventory: which nodes exist, what may be done to them, and which drivers switch them and
 * bring them into the receiver.
 *
 * A node that is not in it is never booted, written or switched. The inventory is part of
 * huck.yaml, which server/config.ts reads; this file has only its shapes and look-ups.
 */
import * as z from "zod";
import { SituationError } from "../../shared/core/errors.ts";
import { nearestHint } from "../../shared/core/nearest-name.ts";
import { DiskRules } from "../../shared/control/disk-rule.ts";
import { MacAddress, NodeName } from "../../shared/control/names.ts";
import { LeaveMode } from "../../shared/control/spec.ts";

/** How a node is switched: its power driver, and settings that only this driver reads. */
const PowerEntry = z.looseObject({ driver: z.string().max(32) });
/** How a node is switched. */
export type PowerEntry = z.infer<typeof PowerEntry>;

/** How a node is brought in: its enter driver, and settings that only this driver reads. */
const EnterEntry = z.looseObject({ driver: z.string().max(32) });
/** How a node is brought in. */
export type EnterEntry = z.infer<typeof EnterEntry>;

/** One more argument for the receiver's kernel, like `console=ttyS0,115200`. */
const KernelArgument = z.string().regex(/^[A-Za-z0-9._:/=@,+%-]{1,128}$/, "a word without blanks");

/** Settings for nodes whose own entry does not have them. */
export const NodeDefaults = z.strictObject({
  disk: DiskRules.optional(),
  reimage: z.enum(["free", "confirm"]).optional(),
  leave: LeaveMode.optional(),
  power: PowerEntry.optional(),
  enter: EnterEntry.optional(),
  kernelArguments: z.array(KernelArgument).max(16).optional(),
});
export type NodeDefaults = z.infer<typeof NodeDefaults>;

/** A MAC address as people write it: upper or lower case, colons or dashes. */
const WrittenMac = z
  .string()
  .max(17)
  .transform((text) => text.toLowerCase().replaceAll("-", ":"))
  .pipe(MacAddress);

/** One entry of `nodes:`. */
export const NodeEntry = z.strictObject({
  name: NodeName,
  macs: z.array(WrittenMac).min(1).max(32),
  /** Fixed address on the lab network: in full mode our DHCP gives it, and `status` pings it. */
  address: z.ipv4().optional(),
  ...NodeDefaults.shape,
});
export type NodeEntry = z.infer<typeof NodeEntry>;

/** A node with all settings filled in. */
export interface InventoryNode {
  readonly name: string;
  readonly macs: readonly string[];
  /** Undefined if no fixed address is known. */
  readonly address: string | undefined;
  /** Rules that choose its disk; `[{}]` means "the only disk it has". */
  readonly disk: z.infer<typeof DiskRules>;
  readonly reimage: "free" | "confirm";
  /** What the node does after a job that does not say; undefined: it reboots. */
  readonly leave: LeaveMode | undefined;
  readonly power: PowerEntry;
  readonly enter: EnterEntry;
  /** More arguments for the receiver's kernel. */
  readonly kernelArguments: readonly string[];
}

/** All nodes, by name and by MAC. Immutable. */
export class Inventory {
  /** In the order of the file. */
  readonly nodes: readonly InventoryNode[];
  readonly #byName: ReadonlyMap<string, InventoryNode>;
  readonly #byMac: ReadonlyMap<string, InventoryNode>;

  /** @param entries - With unique names, MACs and addresses; `duplicateOf` checks that. */
  constructor(entries: readonly NodeEntry[], defaults: NodeDefaults) {
    this.nodes = entries.map((entry) => complete(entry, defaults));
    this.#byName = new Map(this.nodes.map((node) => [node.name, node]));
    this.#byMac = new Map(this.nodes.flatMap((node) => node.macs.map((mac) => [mac, node])));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** @throws {@link SituationError} `unknown_node`. */
  named(name: string): InventoryNode {
    const node = this.#byName.get(name);
    if (node !== undefined) return node;
    throw new SituationError("unknown_node", `Cannot find node "${name}": not in the inventory`, {
      cure:
        nearestHint([...this.#byName.keys()], name) +
        "Type a name that `huck nodes` prints, or add the node to huck.yaml.",
    });
  }

  /** Finds the node that has one of these MACs, which are in lower case with colons. */
  withMac(macs: readonly string[]): InventoryNode | undefined {
    for (const mac of macs) {
      const node = this.#byMac.get(mac);
      if (node !== undefined) return node;
    }
    return undefined;
  }
}

/** Names of the nodes that a new inventory adds, removes or changes. */
export interface InventoryChanges {
  readonly added: string[];
  readonly removed: string[];
  readonly changed: string[];
}

/** Compares the inventory in force with the one that replaces it. Names are in file order. */
export function inventoryChanges(before: Inventory, after: Inventory): InventoryChanges {
  const names = (nodes: readonly InventoryNode[]): string[] => nodes.map(({ name }) => name);
  const differs = (node: InventoryNode): boolean =>
    before.has(node.name) && JSON.stringify(before.named(node.name)) !== JSON.stringify(node);
  return {
    added: names(after.nodes.filter(({ name }) => !before.has(name))),
    removed: names(before.nodes.filter(({ name }) => !after.has(name))),
    changed: names(after.nodes.filter(differs)),
  };
}

/** A name, MAC or address that two entries have. */
export interface Duplicate {
  readonly value: string;
  /** Path of the second one in the list of entries. */
  readonly path: readonly (string | number)[];
}

/** Finds the first name, MAC or address that two entries share; undefined if all are unique. */
export function duplicateOf(entries: readonly NodeEntry[]): Duplicate | undefined {
  const seen = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    const claims: [string, (string | number)[]][] = [[`name ${entry.name}`, [index, "name"]]];
    for (const [at, mac] of entry.macs.entries()) claims.push([`MAC ${mac}`, [index, "macs", at]]);
    if (entry.address !== undefined) claims.push([`address ${entry.address}`, [index, "address"]]);
    for (const [value, path] of claims) {
      if (seen.has(value)) return { value, path };
      seen.add(value);
    }
  }
  return undefined;
}

function complete(entry: NodeEntry, defaults: NodeDefaults): InventoryNode {
  return {
    name: entry.name,
    macs: entry.macs,
    address: entry.address,
    disk: entry.disk ?? defaults.disk ?? [{}],
    reimage: entry.reimage ?? defaults.reimage ?? "confirm",
    leave: entry.leave ?? defaults.leave,
    power: entry.power ?? defaults.power ?? { driver: "manual" },
    enter: entry.enter ?? defaults.enter ?? { driver: "pxe" },
    kernelArguments: entry.kernelArguments ?? defaults.kernelArguments ?? [],
  };
}
