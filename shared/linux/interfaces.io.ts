/**
 * Network interfaces as the kernel shows them below /sys/class/net.
 *
 * Names, MAC addresses, drivers and carrier come from files, so listing needs no privilege and no
 * system call. The root of /sys is an argument, so a test uses a folder of files as a network. The
 * kernel itself is asked only for the numbers and addresses that sockets need.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { basename, join } from "node:path";
import { HuckError } from "../core/errors.ts";
import { libcFunction } from "./libc.io.ts";
import { sysfsText } from "./sysfs.io.ts";

export interface NetworkInterface {
  /** Kernel name, for example "eth0". */
  readonly name: string;
  /** Number that socket options want. */
  readonly index: number;
  /** Lower-case MAC address with colons; "00:00:00:00:00:00" for loopback. */
  readonly mac: string;
  /** Kernel name of its driver; empty for a virtual interface. */
  readonly driver: string;
  /** True if a link partner is connected; always false while the interface is down. */
  readonly carrier: boolean;
  /** Longest IP datagram. Unit: bytes. */
  readonly mtu: number;
}

/**
 * @param sysRoot - Root of sysfs.
 * @returns All interfaces, by index.
 */
export function listInterfaces(sysRoot = "/sys"): readonly NetworkInterface[] {
  const folder = join(sysRoot, "class/net");
  const found: NetworkInterface[] = [];
  for (const name of readdirSync(folder)) {
    const one = readInterface(join(folder, name), name);
    if (one !== undefined) found.push(one);
  }
  return found.sort((left, right) => left.index - right.index);
}

/**
 * Finds the number of an interface in the network namespace of this process (/sys may show another
 * namespace).
 *
 * @param name - Kernel name.
 * @returns Its index, from 1.
 * @throws {@link HuckError} `no_interface`; the message lists those that have an address.
 */
export function interfaceIndex(name: string): number {
  const index = libcFunction("if_nametoindex", "uint", ["str"])(name);
  if (index > 0) return index;
  throw noInterface(name);
}

/**
 * Gives the longest IP datagram of an interface now, in bytes: an admin may change it while we run.
 *
 * @param sysRoot - Root of sysfs.
 * @returns {@link ETHERNET_MTU} if the kernel does not say.
 */
export function interfaceMtu(name: string, sysRoot = "/sys"): number {
  const mtu = Number(sysfsText(join(sysRoot, "class/net", name, "mtu")));
  return Number.isSafeInteger(mtu) && mtu > 0 ? mtu : ETHERNET_MTU;
}

/** The MTU of Ethernet. Unit: bytes. */
const ETHERNET_MTU = 1500;

/**
 * @param name - Kernel name.
 * @returns The interface's first address of that family; an IPv6 address may be a link-local one
 *   with its zone.
 * @throws {@link HuckError} `no_interface`.
 */
export function interfaceAddress(name: string, family: "IPv4" | "IPv6"): string {
  const found = networkInterfaces()[name]?.find((address) => address.family === family);
  if (found === undefined) throw noInterface(name);
  const linkLocal = family === "IPv6" && found.scopeid !== undefined && found.scopeid !== 0;
  return linkLocal ? `${found.address}%${name}` : found.address;
}

function noInterface(name: string): HuckError {
  const names = Object.keys(networkInterfaces()).map((one) => `"${one}"`);
  return new HuckError(
    "no_interface",
    `Cannot use interface "${name}": those with an address are ${names.join(", ")}`,
  );
}

function readInterface(path: string, name: string): NetworkInterface | undefined {
  const index = Number(sysfsText(join(path, "ifindex")));
  if (!Number.isSafeInteger(index) || index <= 0) return undefined; // "bonding_masters" is a file
  return {
    name,
    index,
    mac: sysfsText(join(path, "address")),
    driver: driverOf(path),
    // answers EINVAL while the interface is down
    carrier: sysfsText(join(path, "carrier")) === "1",
    mtu: Number(sysfsText(join(path, "mtu"))),
  };
}

function driverOf(path: string): string {
  try {
    return basename(readlinkSync(join(path, "device/driver")));
  } catch {
    return ""; // a virtual interface has no device
  }
}
