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
import { checked, closeDescriptor, libcFunction, libcProblem, nativeBlock } from "./libc.io.ts";
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
 * @returns The MTU of Ethernet if the kernel does not say.
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

/** An IPv4 address of this host. */
export interface InterfaceAddress {
  readonly interfaceName: string;
  readonly address: string;
  readonly netmask: string;
}

/**
 * Lists the IPv4 addresses of this host, also of interfaces whose cable is out, which Node.js
 * leaves out: a server must be able to start before the switch does.
 *
 * @returns What Node.js lists if system calls cannot be made.
 */
export function interfaceAddresses(): readonly InterfaceAddress[] {
  if (libcProblem() === undefined) return kernelAddresses();
  return Object.entries(networkInterfaces()).flatMap(([interfaceName, list]) =>
    (list ?? [])
      .filter(({ family }) => family === "IPv4")
      .map(({ address, netmask }) => ({ interfaceName, address, netmask })),
  );
}

function kernelAddresses(): readonly InterfaceAddress[] {
  const ioctl = libcFunction("ioctl", "int", ["int", "ulong", "uintptr"]);
  const socket = libcFunction("socket", "int", ["int", "int", "int"]);
  const fd = checked(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a UDP socket");
  try {
    const list = nativeBlock(IFREQ_BYTES * ADDRESSES_MAX);
    const head = nativeBlock(16); // struct ifconf: length, pointer
    head.view.setInt32(0, list.bytes.byteLength, true);
    head.view.setBigUint64(8, BigInt(list.address), true);
    checked(ioctl(fd, SIOCGIFCONF, head.address), "list the addresses of this host");
    const found: InterfaceAddress[] = [];
    for (let at = 0; at + IFREQ_BYTES <= head.view.getInt32(0, true); at += IFREQ_BYTES) {
      const one = nativeBlock(IFREQ_BYTES);
      one.bytes.set(list.bytes.subarray(at, at + IFREQ_BYTES));
      const address = addressIn(one.bytes);
      const label = Buffer.from(one.bytes.subarray(0, 16)).toString("latin1").replace(/\0.*$/s, "");
      if (ioctl(fd, SIOCGIFNETMASK, one.address) < 0) continue; // it went away meanwhile
      const [interfaceName = ""] = label.split(":"); // "eth0:1" is an address of eth0
      found.push({ interfaceName, address, netmask: addressIn(one.bytes) });
    }
    return found;
  } finally {
    closeDescriptor(fd);
  }
}

/** The address of a sockaddr_in behind a name of 16 bytes (struct ifreq). */
function addressIn(request: Uint8Array): string {
  return request.subarray(20, 24).join(".");
}

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SIOCGIFCONF = 0x8912;
const SIOCGIFNETMASK = 0x891b;
const IFREQ_BYTES = 40;
/** Most addresses listed. */
const ADDRESSES_MAX = 1024;

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
