/**
 * Sockets that Node.js cannot open: UDP bound to an interface, and raw ICMPv6.
 *
 * A PXE client has no address yet, so only the interface on which its broadcast arrives tells which
 * network it is on (SO_BINDTODEVICE). The descriptor is handed to dgram, which then owns it. The
 * constants are those of Linux on x86-64 and arm64 (asm-generic/socket.h, linux/in6.h,
 * linux/icmpv6.h).
 */
import { closeSync } from "node:fs";
import { listInterfaces } from "../../shared/linux/interfaces.io.ts";
import { checked, lastErrno, libcFunction, nativeBlock } from "../../shared/linux/libc.io.ts";
import type { LibcFunction, NativeBlock } from "../../shared/linux/libc.io.ts";
import { SituationError } from "../../shared/core/errors.ts";
import type { Mac } from "./addresses.ts";

/** An IPv6 socket address as the kernel wrote it (struct sockaddr_in6). */
export type SocketAddress6 = Uint8Array;

/**
 * Opens a UDP socket that hears only one interface and may broadcast.
 *
 * @param interfaceName - Kernel name.
 * @param port - UDP port, bound on all addresses of the interface.
 * @returns Its descriptor; the caller closes it or gives it away.
 * @throws {@link SystemCallError} EADDRINUSE, EACCES or EPERM, ENODEV.
 */
export function openBroadcastSocket(interfaceName: string, port: number): number {
  const socket = libcFunction("socket", "int", ["int", "int", "int"]);
  const bind = libcFunction("bind", "int", ["int", "uintptr", "uint"]);
  const fd = checked(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a UDP socket");
  try {
    bindToInterface(fd, interfaceName);
    setNumber(fd, SOL_SOCKET, SO_BROADCAST, 1);
    const address = nativeBlock(16); // sockaddr_in: family, port, address 0.0.0.0
    address.view.setUint16(0, AF_INET, true);
    address.view.setUint16(2, port);
    checked(bind(fd, address.address, 16), `bind port ${port} on "${interfaceName}"`);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A raw ICMPv6 socket on one interface that hears one type of message. */
export class Icmpv6Socket {
  /** MAC address of the interface. */
  readonly mac: Mac;
  readonly #fd: number;
  readonly #receiveFrom: LibcFunction;
  readonly #sendTo: LibcFunction;
  readonly #buffer: NativeBlock;
  readonly #address: NativeBlock;
  readonly #length: NativeBlock;
  #open = true;

  /**
   * @param interfaceName - Kernel name.
   * @param type - ICMPv6 type to hear; the kernel drops all others.
   * @throws {@link HuckError} If the kernel has no IPv6 or forbids raw sockets, or if there is no
   *   such interface.
   */
  constructor(interfaceName: string, type: number) {
    const found = listInterfaces().find((one) => one.name === interfaceName);
    if (found === undefined) throw noInterface(interfaceName);
    this.mac = found.mac;
    this.#buffer = nativeBlock(BUFFER_BYTES);
    this.#address = nativeBlock(SOCKADDR_IN6_BYTES);
    this.#length = nativeBlock(8);
    const six: readonly ["int", "uintptr", "ulong", "int", "uintptr", "uintptr"] = [
      ...(["int", "uintptr", "ulong"] as const),
      ...(["int", "uintptr", "uintptr"] as const),
    ];
    this.#receiveFrom = libcFunction("recvfrom", "long", six);
    this.#sendTo = libcFunction("sendto", "long", six);
    const socket = libcFunction("socket", "int", ["int", "int", "int"]);
    const kind = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    this.#fd = checked(socket(AF_INET6, kind, IPPROTO_ICMPV6), "open a raw ICMPv6 socket");
    try {
      bindToInterface(this.#fd, interfaceName);
      this.#hear(type, found.index);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Takes one message with its sender, both copied; undefined if none is waiting. */
  receive(): { readonly bytes: Uint8Array; readonly from: SocketAddress6 } | undefined {
    if (!this.#open) return undefined;
    this.#length.view.setUint32(0, SOCKADDR_IN6_BYTES, true);
    const { address } = this.#buffer;
    const where = [this.#address.address, this.#length.address] as const;
    const count = this.#receiveFrom(this.#fd, address, BUFFER_BYTES, MSG_DONTWAIT, ...where);
    // EAGAIN: no message is waiting. ENETDOWN and the like go away when the link is back.
    if (count < 0) return undefined;
    return { bytes: this.#buffer.bytes.slice(0, count), from: this.#address.bytes.slice() };
  }

  /**
   * Sends one message. The kernel fills in its checksum.
   *
   * @param bytes - At most 2048.
   * @param to - As `receive` gave it.
   * @returns False if the kernel did not take it.
   */
  send(bytes: Uint8Array, to: SocketAddress6): boolean {
    if (!this.#open) return false;
    this.#buffer.bytes.set(bytes);
    this.#address.bytes.set(to);
    this.#address.view.setUint16(2, 0); // raw sockets want port 0 (RFC 3542 3)
    const where = [this.#address.address, SOCKADDR_IN6_BYTES] as const;
    const sent = this.#sendTo(
      this.#fd,
      this.#buffer.address,
      bytes.byteLength,
      MSG_DONTWAIT,
      ...where,
    );
    return sent === bytes.byteLength;
  }

  /** Closes the socket. Idempotent. */
  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #hear(type: number, interfaceIndex: number): void {
    const filter = nativeBlock(32); // icmp6_filter: a set bit blocks that type
    filter.bytes.fill(0xff);
    filter.view.setUint32((type >> 5) * 4, (0xffffffff & ~(1 << (type & 31))) >>> 0, true);
    setBytes(this.#fd, IPPROTO_ICMPV6, ICMP6_FILTER, filter);
    // RFC 4861 6.1.2: nodes drop an advertisement whose hop limit is not 255
    setNumber(this.#fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255);
    setNumber(this.#fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
    const membership = nativeBlock(20); // ipv6_mreq: ff02::2 (all routers), interface
    membership.bytes.set([0xff, 0x02]);
    membership.bytes[15] = 2;
    membership.view.setUint32(16, interfaceIndex, true);
    setBytes(this.#fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership);
  }
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_BROADCAST = 6;
const SO_BINDTODEVICE = 25;
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_ADD_MEMBERSHIP = 20;
const ICMP6_FILTER = 1;
const MSG_DONTWAIT = 0x40;
const SOCKADDR_IN6_BYTES = 28;
const BUFFER_BYTES = 2048;

function bindToInterface(fd: number, interfaceName: string): void {
  const name = nativeBlock(16); // IFNAMSIZ
  name.bytes.set(Buffer.from(interfaceName.slice(0, 15), "latin1"));
  const result = setOption()(fd, SOL_SOCKET, SO_BINDTODEVICE, name.address, 16);
  if (result < 0 && lastErrno() === ENODEV) throw noInterface(interfaceName);
  checked(result, `bind to interface "${interfaceName}"`);
}

function setNumber(fd: number, level: number, option: number, value: number): void {
  const block = nativeBlock(4);
  block.view.setUint32(0, value, true);
  setBytes(fd, level, option, block);
}

function setBytes(fd: number, level: number, option: number, block: NativeBlock): void {
  const { address, bytes } = block;
  checked(
    setOption()(fd, level, option, address, bytes.byteLength),
    `set socket option ${level}/${option}`,
  );
}

function setOption(): LibcFunction {
  return libcFunction("setsockopt", "int", ["int", "int", "int", "uintptr", "uint"]);
}

function noInterface(name: string): SituationError {
  const names = listInterfaces().map((one) => `"${one.name}"`);
  return new SituationError(
    "no_interface",
    `Cannot boot nodes on interface "${name}": this host has ${names.join(", ")}`,
    { cure: "name one of these as the lab interface in the configuration" },
  );
}

const ENODEV = 19;
