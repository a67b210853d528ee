/**
 * Runs the boot services on the lab network and gives them a new table of boot answers whenever a
 * wanted state or the inventory changes.
 *
 * The boot files are read again for each table, so the server need not be restarted after
 * `make initramfs`.
 */
import type { BootReport } from "../../shared/control/operator-api.ts";
import { SituationError } from "../../shared/core/errors.ts";
import { interfaceAddresses } from "../../shared/linux/interfaces.io.ts";
import type { InterfaceAddress } from "../../shared/linux/interfaces.io.ts";
import { inSubnet } from "../boot/addresses.ts";
import type { BootAssets } from "../boot/assets.ts";
import { readBootAssets } from "../boot/assets-folder.io.ts";
import type { BootPlaces } from "../boot/assets-folder.io.ts";
import type { BootNetwork } from "../boot/boot-network.ts";
import { startBoot } from "../boot/boot-services.io.ts";
import type { BootOptions } from "../boot/boot-services.io.ts";
import type { BootGrant } from "../boot/entry.ts";
import { outcomeText } from "../boot/outcomes.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { bootTableOf } from "./boot-answers.ts";

export type DhcpSettings =
  | { readonly mode: "proxy" }
  | {
      readonly mode: "full";
      readonly range: { readonly first: string; readonly last: string };
      readonly router?: string | undefined;
      readonly dns?: readonly string[] | undefined;
    };

export interface BootParts extends Pick<BootOptions, "event" | "problem"> {
  readonly lab: InterfaceAddress;
  readonly dhcp: DhcpSettings;
  /** TCP port for boot files and scripts. */
  readonly port: number;
  readonly files: BootPlaces;
  /** Gives the inventory in force; `update` reads it again. */
  readonly inventory: () => Inventory;
  readonly wantsReceiver: (node: string) => boolean;
  /** Mints what a receiver needs to join; undefined if the MAC is not in the inventory. */
  readonly grant: (mac: string) => BootGrant | undefined;
}

/** The running boot services. */
export interface LabBoot {
  /** Version of huck that built the boot files that were found at the start. */
  readonly version: string;
  /** Call it when wanted states or the inventory changed. */
  readonly update: () => void;
  /** Gives who asked in the last hour, and all counters. */
  readonly report: () => BootReport;
  readonly close: () => Promise<void>;
}

/**
 * Starts the boot services.
 *
 * @throws {@link SituationError} `range_outside`, and what `readBootAssets` and `startBoot` throw.
 */
export async function startLabBoot(parts: BootParts): Promise<LabBoot> {
  const { files, wantsReceiver, event, problem } = parts;
  const network = networkOf(parts);
  let assets = readBootAssets(files);
  const boot = await startBoot({
    interfaceName: parts.lab.interfaceName,
    network,
    table: bootTableOf(parts.inventory(), wantsReceiver, assets),
    grant: ({ node, mac }) => {
      const grant = parts.grant(mac);
      if (grant !== undefined) return Promise.resolve(grant);
      return Promise.reject(new Error(`${node} left the inventory while it booted`));
    },
    event,
    problem,
  });
  return {
    version: assets.version,
    update: () => {
      assets = assetsNow(files, assets, problem);
      boot.update(bootTableOf(parts.inventory(), wantsReceiver, assets));
    },
    report: () => ({
      mode: parts.dhcp.mode,
      askers: boot.askers().map(({ mac, address, node, firstAt, lastAt, recent, ...asker }) => ({
        ...asker,
        mac: mac ?? null,
        address: address ?? null,
        node: node ?? null,
        firstAt: new Date(firstAt).toISOString(),
        lastAt: new Date(lastAt).toISOString(),
        reason: outcomeText(asker.outcome),
        recent: recent.map(({ at, ...question }) => ({
          ...question,
          at: new Date(at).toISOString(),
          reason: outcomeText(question.outcome),
        })),
      })),
      counters: Object.entries(boot.counters()).flatMap(([service, counts]) =>
        Object.entries(counts as Record<string, number>).map(([outcome, count]) => {
          return { service, outcome, count };
        }),
      ),
    }),
    close: () => boot.close(),
  };
}

/**
 * Reads the boot files again. If they are broken, tells `problem` why and gives `before`, so that
 * what was published stays.
 *
 * @internal A test calls it: the services themselves need ports and an interface.
 */
export function assetsNow(
  files: BootPlaces,
  before: BootAssets,
  problem: BootOptions["problem"],
): BootAssets {
  try {
    return readBootAssets(files);
  } catch (error) {
    problem("read the boot files again (those known so far stay published)", error);
    return before;
  }
}

/**
 * Finds an IPv4 address of this host, with its interface and mask.
 *
 * @param wanted - Kernel name of an interface, or an address.
 * @throws {@link SituationError} `no_interface`.
 */
export function labAddress(wanted: string): InterfaceAddress {
  const all = interfaceAddresses();
  const found = all.find((one) => one.interfaceName === wanted || one.address === wanted);
  if (found !== undefined) return found;
  const names = all.map((one) => `${one.interfaceName} (${one.address})`).join(", ");
  throw new SituationError("no_interface", `Cannot find "${wanted}": this host has ${names}`, {
    cure:
      "Correct server.interface or server.address in huck.yaml. The interface needs an IPv4 " +
      'address ("ip addr add").',
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
