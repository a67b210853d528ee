/**
 * What PID 1 does before the receiver can work: mount kernel file systems, load drivers, set the
 * address.
 *
 * The initramfs holds no other program, so this is all there is of "init". Every wait is bounded,
 * and what is still missing at the end is reported by name.
 */
import { readFileSync } from "node:fs";
import { SituationError } from "../../shared/core/errors.ts";
import { listInterfaces } from "../../shared/linux/interfaces.io.ts";
import type { NetworkInterface } from "../../shared/linux/interfaces.io.ts";
import { coldplug } from "../../shared/linux/modules.io.ts";
import type { ModuleTable } from "../../shared/linux/modules.io.ts";
import { mountKernelFileSystems } from "../../shared/linux/mounts.io.ts";
import { bringUp, configureInterface, waitForCarrier } from "../../shared/linux/network.io.ts";
import { listDisks } from "../../shared/linux/disks.io.ts";
import type { ReceiverOptions } from "../options.ts";

/** The initramfs keeps the table of its modules here. */
const MODULES_TABLE = "/app/modules.json";
/**
 * A driver takes a moment from loading to its device, and longer if its bus is behind another bus.
 * Unit: milliseconds.
 */
const DEVICES_WITHIN_MS = 20_000;
/**
 * Disks of one controller appear one after the other: if none has appeared for this long, all are
 * there. Unit: milliseconds.
 */
const DISKS_SETTLE_MS = 1500;
/** Time between checks. Unit: milliseconds. */
const LOOK_EVERY_MS = 200;
/**
 * Drivers are looked for again this often: a bus driver makes devices appear that need drivers,
 * too. Unit: milliseconds.
 */
const PLUG_EVERY_MS = 2000;
/** Switch ports with spanning tree take up to 30 s to forward. Unit: milliseconds. */
const CARRIER_WITHIN_MS = 45_000;

/** Mounts the kernel's file systems (/proc, /sys, ...). The first thing PID 1 does. */
export function mountAll(): void {
  mountKernelFileSystems();
}

/**
 * Loads drivers until the boot interface and the disks are there.
 *
 * @param note - Called with each line for the console.
 * @throws SituationError `no_interface` if the boot interface does not appear.
 */
export async function findDevices(
  options: ReceiverOptions,
  note: (text: string) => void,
): Promise<NetworkInterface> {
  const table = JSON.parse(readFileSync(MODULES_TABLE, "utf8")) as ModuleTable;
  const until = performance.now() + DEVICES_WITHIN_MS;
  const told = new Set<string>();
  let boot: NetworkInterface | undefined;
  let disks = -1;
  let settledAt = 0;
  let plugAt = 0;
  while (performance.now() < until) {
    if (performance.now() >= plugAt) {
      const news = plug(table).filter((text) => !told.has(text));
      news.forEach(note);
      for (const text of news) told.add(text);
      plugAt = performance.now() + PLUG_EVERY_MS;
    }
    boot = bootInterface(options);
    const count = listDisks().length;
    if (count !== disks) settledAt = performance.now() + DISKS_SETTLE_MS;
    disks = count;
    if (boot !== undefined && disks > 0 && performance.now() > settledAt) break;
    await pause(LOOK_EVERY_MS);
  }
  if (boot !== undefined) return boot;
  const found = listInterfaces().map(({ name, mac }) => `${name} ${mac}`);
  throw new SituationError(
    "no_interface",
    `Cannot find the boot interface ${options.bootMac ?? "(unnamed)"}: found ${found.join(", ")}`,
    { cure: "Add the driver of the network card to the initramfs." },
  );
}

/**
 * Sets the address that the boot script gave and waits for a link on the boot interface.
 *
 * @throws SituationError `no_carrier`, `no_address`.
 */
export async function connect(boot: NetworkInterface, options: ReceiverOptions): Promise<void> {
  const { network } = options;
  if (network === undefined) {
    throw new SituationError(
      "no_address",
      "Cannot use the network: the command line names no ip=",
      {
        cure: "Boot the node through huck's boot script.",
      },
    );
  }
  bringUp("lo");
  bringUp(boot.name);
  if (!(await waitForCarrier(boot.name, CARRIER_WITHIN_MS))) {
    throw new SituationError("no_carrier", `Cannot use "${boot.name}": no carrier`, {
      cure: "Check cable and switch port.",
    });
  }
  configureInterface({ name: boot.name, ...network });
}

/** Loads the drivers of one round. @returns Lines for the console. */
function plug(table: ModuleTable): string[] {
  const { loaded, failed } = coldplug(table);
  const told = failed.map((one) => `driver refused: ${one}`);
  return loaded.length === 0 ? told : [`drivers: ${loaded.join(" ")}`, ...told];
}

function bootInterface(options: ReceiverOptions): NetworkInterface | undefined {
  const cards = listInterfaces().filter(({ name }) => name !== "lo");
  if (options.bootMac === undefined) return cards[0];
  return cards.find(({ mac }) => mac === options.bootMac);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
