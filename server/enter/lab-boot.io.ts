/**
 * The boot services as the lab uses them: started on the lab network, told at every change of a
 * wanted state.
 *
 * The one idea: what is published is what lies in one folder, listed once; a node's script is
 * written with a token minted at that moment, so nothing a node could replay lies around.
 */
import { readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import path from "node:path";
import { SituationError, messageOf } from "../../shared/core/errors.ts";
import { inSubnet } from "../boot/addresses.ts";
import { startBoot } from "../boot/boot-services.io.ts";
import type { BootGrant, BootOptions } from "../boot/boot-services.io.ts";
import type { BootNetwork } from "../boot/snapshot.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { bootSnapshot } from "./boot-table.ts";
import type { BootGround } from "./boot-table.ts";

/** An IPv4 address of this host. */
export interface LabAddress {
  readonly interfaceName: string;
  readonly address: string;
  readonly netmask: string;
}

/** How nodes get their addresses. */
export type DhcpSettings =
  | { readonly mode: "proxy" }
  | {
      readonly mode: "full";
      readonly range: { readonly first: string; readonly last: string };
      readonly router?: string | undefined;
      readonly dns?: readonly string[] | undefined;
    };

/** What the boot services are started with. */
export interface BootParts extends Pick<BootOptions, "event" | "problem"> {
  readonly lab: LabAddress;
  readonly dhcp: DhcpSettings;
  /** TCP port of boot files and scripts. */
  readonly port: number;
  /** Folder of the published files. */
  readonly files: string;
  /** Gives the one in force; `update` takes it up. */
  readonly inventory: () => Inventory;
  readonly wantsReceiver: (node: string) => boolean;
  /** Mints what a receiver needs to join; undefined for a MAC outside the inventory. */
  readonly grant: (mac: string) => BootGrant | undefined;
}

/** Boot services that run. */
export interface LabBoot {
  /** Wanted states or the inventory changed. */
  readonly update: () => void;
  readonly close: () => Promise<void>;
}

/**
 * Starts the boot services.
 *
 * @param parts - See {@link BootParts}.
 * @returns The running services.
 * @throws {@link SituationError} `no_boot_files`, `range_outside`, and what `startBoot` throws.
 */
export async function startLabBoot(parts: BootParts): Promise<LabBoot> {
  const ground: BootGround = { network: networkOf(parts), files: publishedFiles(parts.files) };
  const snapshot = (): ReturnType<typeof bootSnapshot> =>
    bootSnapshot(ground, parts.inventory(), parts.wantsReceiver);
  const boot = await startBoot({
    interfaceName: parts.lab.interfaceName,
    snapshot: snapshot(),
    grant: ({ node, mac }) => {
      const grant = parts.grant(mac);
      if (grant !== undefined) return Promise.resolve(grant);
      return Promise.reject(new Error(`${node} left the inventory while it booted`));
    },
    event: parts.event,
    problem: parts.problem,
  });
  return {
    update: () => {
      boot.update(snapshot());
    },
    close: () => boot.close(),
  };
}

/**
 * Finds an IPv4 address of this host.
 *
 * @param wanted - Kernel name of an interface, or an address.
 * @returns The address with its interface and mask.
 * @throws {@link SituationError} `no_interface`.
 */
export function labAddress(wanted: string): LabAddress {
  const all = Object.entries(networkInterfaces()).flatMap(([interfaceName, list]) =>
    (list ?? [])
      .filter(({ family }) => family === "IPv4")
      .map(({ address, netmask }) => ({ interfaceName, address, netmask })),
  );
  const found = all.find((one) => one.interfaceName === wanted || one.address === wanted);
  if (found !== undefined) return found;
  const names = all.map((one) => `${one.interfaceName} (${one.address})`).join(", ");
  throw new SituationError("no_interface", `Cannot find "${wanted}": this host has ${names}`, {
    cure:
      "Correct server.interface or server.address in huck.yaml. An interface counts when it has " +
      "an IPv4 address and its cable is in.",
  });
}

/** @throws {@link SituationError} `range_outside`. */
function networkOf({ lab, dhcp, port }: BootParts): BootNetwork {
  const common = { serverAddress: lab.address, netmask: lab.netmask, httpPort: port };
  if (dhcp.mode === "proxy") return { mode: "proxy", ...common };
  const { range, router, dns } = dhcp;
  const { address, netmask, interfaceName } = lab;
  if (![range.first, range.last].every((one) => inSubnet(one, address, netmask))) {
    throw new SituationError(
      "range_outside",
      `Cannot hand out ${range.first}-${range.last}: ${interfaceName} has ${address} with mask ` +
        `${netmask}, addresses of that subnet wanted`,
      { cure: "Correct server.dhcp.range in huck.yaml, or the address of the interface." },
    );
  }
  return {
    mode: "full",
    ...common,
    pool: range,
    ...(router === undefined ? {} : { router }),
    ...(dns === undefined ? {} : { dns }),
  };
}

/**
 * Lists the plain files of the boot folder; nothing else can be fetched.
 *
 * @throws {@link SituationError} `no_boot_files`.
 */
function publishedFiles(folder: string): ReadonlyMap<string, string> {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    return new Map(files.map(({ name }) => [name, path.join(folder, name)]));
  } catch (cause) {
    throw new SituationError("no_boot_files", `Cannot read "${folder}": ${messageOf(cause)}`, {
      cure: 'Run "make initramfs" and name its folder in server.bootFiles, or set dhcp mode off.',
      cause,
    });
  }
}
