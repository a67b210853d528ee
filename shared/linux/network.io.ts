/**
 * Gives an interface its address, mask and route, and waits for a link, by ioctl.
 *
 * The receiver learns its address before it starts (boot command line or DHCP) and only has to
 * apply it; there is no other network program in the initramfs. struct ifreq is a name of 16 bytes
 * and a union of 24, struct rtentry has 120 bytes with its sockaddrs at 8, 24 and 40. Sources:
 * netdevice(7), linux/route.h.
 */
import { HuckError } from "../core/errors.ts";
import { listInterfaces } from "./interfaces.io.ts";
import {
  SystemCallError,
  checked,
  closeDescriptor,
  lastErrno,
  libcFunction,
  nativeBlock,
} from "./libc.io.ts";
import type { LibcFunction, NativeBlock } from "./libc.io.ts";
import { AF_INET, addressBytes } from "./socket-address.io.ts";

/** IPv4 configuration of one interface. */
export interface InterfaceSetup {
  /** Kernel name. */
  readonly name: string;
  /** Its own address. */
  readonly address: string;
  /** Dotted, for example "255.255.255.0". */
  readonly netmask: string;
  /** Default router. */
  readonly gateway?: string;
}

const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const SIOCADDRT = 0x890b;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const IFF_UP = 1;
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;
const RTENTRY_BYTES = 120;
const RTF_UP_GATEWAY = 1 | 2;
const EEXIST = 17;
/**
 * Time between polls of the carrier: a switch port needs seconds, so 50 ms add little. Unit:
 * milliseconds.
 */
const CARRIER_POLL_MS = 50;

/**
 * Sets address and netmask, brings the link up, and sets the default route.
 *
 * @throws {@link SystemCallError} `ENODEV`, `EPERM`, `EINVAL`; {@link HuckError} `bad_address`.
 */
export function configureInterface(setup: InterfaceSetup): void {
  withControl((control) => {
    const task = `give "${setup.name}" the address ${setup.address}`;
    control.address(SIOCSIFADDR, setup.name, setup.address, task);
    control.address(SIOCSIFNETMASK, setup.name, setup.netmask, task);
    control.up(setup.name);
    if (setup.gateway !== undefined) control.defaultRoute(setup.gateway);
  });
}

/**
 * Brings up the link of an interface, without an address.
 *
 * @param name - Kernel name.
 * @throws {@link SystemCallError} `ENODEV`, `EPERM`.
 */
export function bringUp(name: string): void {
  withControl((control) => {
    control.up(name);
  });
}

/**
 * Waits for a link partner.
 *
 * @param name - Kernel name of an interface that is up.
 * @param timeoutMs - Longest wait.
 * @returns True as soon as there is a carrier; false if the time is over.
 */
export async function waitForCarrier(name: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (listInterfaces().some((one) => one.name === name && one.carrier)) return true;
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, CARRIER_POLL_MS));
  }
}

function withControl(work: (control: Control) => void): void {
  const socket = libcFunction("socket", "int", ["int", "int", "int"]);
  const fd = checked(socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0), "open a control socket");
  try {
    work(new Control(fd));
  } finally {
    closeDescriptor(fd);
  }
}

class Control {
  readonly #fd: number;
  readonly #ioctl: LibcFunction = libcFunction("ioctl", "int", ["int", "ulong", "uintptr"]);
  readonly #request: NativeBlock = nativeBlock(IFREQ_BYTES);

  constructor(fd: number) {
    this.#fd = fd;
  }

  address(request: number, name: string, address: string, task: string): void {
    this.#name(name);
    this.#request.view.setUint16(IFNAMSIZ, AF_INET, true);
    this.#request.bytes.set(ipv4(address), IFNAMSIZ + 4);
    checked(this.#ioctl(this.#fd, request, this.#request.address), task);
  }

  up(name: string): void {
    this.#name(name);
    const task = `bring interface "${name}" up`;
    checked(this.#ioctl(this.#fd, SIOCGIFFLAGS, this.#request.address), task);
    const { view } = this.#request;
    view.setUint16(IFNAMSIZ, view.getUint16(IFNAMSIZ, true) | IFF_UP, true);
    checked(this.#ioctl(this.#fd, SIOCSIFFLAGS, this.#request.address), task);
  }

  defaultRoute(gateway: string): void {
    const entry = nativeBlock(RTENTRY_BYTES);
    entry.view.setUint16(8, AF_INET, true); // destination 0.0.0.0, and its mask at 40: everything
    entry.view.setUint16(24, AF_INET, true);
    entry.bytes.set(ipv4(gateway), 28);
    entry.view.setUint16(40, AF_INET, true);
    entry.view.setUint16(56, RTF_UP_GATEWAY, true);
    if (this.#ioctl(this.#fd, SIOCADDRT, entry.address) === 0) return;
    const errno = lastErrno();
    if (errno !== EEXIST) throw new SystemCallError(`route everything by ${gateway}`, errno);
  }

  #name(name: string): void {
    const text = Buffer.from(name, "latin1");
    if (text.byteLength === 0 || text.byteLength >= IFNAMSIZ) {
      throw new HuckError("no_interface", `Cannot use interface "${name}": 1 to 15 bytes wanted`);
    }
    this.#request.bytes.fill(0);
    this.#request.bytes.set(text);
  }
}

function ipv4(address: string): Uint8Array {
  const bytes = addressBytes(address);
  if (bytes.byteLength === 4) return bytes;
  throw new HuckError("bad_address", `Cannot use "${address}": a numeric IPv4 address wanted`);
}
