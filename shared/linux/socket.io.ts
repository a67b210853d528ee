/**
 * Opens a UDP socket with the options that multicast at line rate needs.
 *
 * Numbers are those of Linux on x86-64 and arm64 (asm-generic/socket.h, in.h, in6.h, udp.h).
 * Options that must work are checked. Options that only help (forced buffers, GRO, drop counts) may
 * fail on an old kernel or without privilege; then we go on without them.
 */
import type { Endpoint } from "../core/engine.ts";
import { HuckError } from "../core/errors.ts";
import { MULTICAST_TTL, RECEIVE_BUFFER_BYTES, SEND_BUFFER_BYTES } from "./datagram-options.ts";
import type { DatagramOptions } from "./datagram-options.ts";
import { interfaceIndex } from "./interfaces.io.ts";
import { checked, closeDescriptor, libcFunction, nativeBlock } from "./libc.io.ts";
import type { LibcFunction, NativeBlock } from "./libc.io.ts";
import {
  AF_INET,
  AF_INET6,
  SOCKADDR_ROOM_BYTES,
  addressBytes,
  readSockaddr,
  writeSockaddr,
} from "./socket-address.io.ts";

const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDTIMEO = 21;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_RXQ_OVFL = 40;
const IPPROTO_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_DROP_MEMBERSHIP = 36;
const IP_MULTICAST_ALL = 49;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_DROP_MEMBERSHIP = 21;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
const IPV6_MULTICAST_ALL = 29;
const PMTUDISC_DO = 2; // never send IP fragments: one lost piece would lose the datagram
const SOL_UDP = 17;
const UDP_GRO = 104;
/**
 * A link that takes nothing for this long (Ethernet PAUSE, no carrier) loses the batch. Unit:
 * microseconds.
 */
const SEND_TIMEOUT_US = 200_000;

/** An open UDP socket. Whoever opened it closes it. */
export class UdpSocket {
  /** Its file descriptor. */
  readonly fd: number;
  /** Address and port that it is bound to. */
  readonly local: Endpoint;
  /** Index of the interface for multicast; 0 leaves the choice to the routing table. */
  readonly interfaceIndex: number;
  /** Room for datagrams that wait to be read, as the kernel counts it. Unit: bytes. */
  readonly receiveBufferBytes: number;
  /** True if the kernel delivers runs of equal datagrams as one (UDP_GRO). */
  readonly coalesces: boolean;
  readonly #v6: boolean;
  readonly #setsockopt: LibcFunction;
  readonly #scratch: NativeBlock;

  /** @throws {@link HuckError} `no_libc`, `no_interface`, or the errno of the call that failed. */
  constructor(options: DatagramOptions) {
    this.#v6 = options.bind.address.includes(":");
    this.#setsockopt = libcFunction("setsockopt", "int", ["int", "int", "int", "uintptr", "uint"]);
    this.#scratch = nativeBlock(SOCKADDR_ROOM_BYTES);
    const { interfaceName } = options;
    this.interfaceIndex = interfaceName === undefined ? 0 : interfaceIndex(interfaceName);
    const socket = libcFunction("socket", "int", ["int", "int", "int"]);
    const family = this.#v6 ? AF_INET6 : AF_INET;
    this.fd = checked(socket(family, SOCK_DGRAM_CLOEXEC, 0), "open a UDP socket");
    try {
      this.#configure(options);
      this.receiveBufferBytes = this.#valueOf(SO_RCVBUF);
      this.local = this.#bind(options.bind);
      this.coalesces = this.#try(SOL_UDP, UDP_GRO, 1);
    } catch (error) {
      closeDescriptor(this.fd);
      throw error;
    }
  }

  /**
   * Joins a multicast group; if it was joined before, leaves it first, so that switches hear of it.
   *
   * @param group - Of the socket's family.
   * @throws {@link HuckError} `bad_address`, or ENODEV if there is no interface for the group.
   */
  join(group: string): void {
    const bytes = addressBytes(group);
    if ((bytes.byteLength === 16) !== this.#v6) {
      throw new HuckError(
        "bad_address",
        `Cannot join "${group}": the socket is bound to ${this.local.address}`,
      );
    }
    // ip_mreqn {group, address, ifindex: 12 bytes}; ipv6_mreq {group, ifindex: 20 bytes}
    const { view } = this.#scratch;
    this.#scratch.bytes.fill(0);
    this.#scratch.bytes.set(bytes);
    const length = this.#v6 ? 20 : 12;
    view.setUint32(length - 4, this.interfaceIndex, true);
    const level = this.#v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const drop = this.#v6 ? IPV6_DROP_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    const add = this.#v6 ? IPV6_ADD_MEMBERSHIP : IP_ADD_MEMBERSHIP;
    this.#setsockopt(this.fd, level, drop, this.#scratch.address, length);
    checked(
      this.#setsockopt(this.fd, level, add, this.#scratch.address, length),
      `join multicast group ${group} on interface ${this.interfaceIndex || "of the routing table"}`,
    );
  }

  #configure(options: DatagramOptions): void {
    if (options.shared === true) this.#set(SOL_SOCKET, SO_REUSEADDR, 1, "share the port");
    if (!this.#try(SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)) {
      this.#set(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES, "set the receive buffer");
    }
    if (!this.#try(SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES)) {
      this.#set(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES, "set the send buffer");
    }
    this.#try(SOL_SOCKET, SO_RXQ_OVFL, 1);
    const { view, address } = this.#scratch;
    view.setBigUint64(0, 0n);
    view.setUint32(8, SEND_TIMEOUT_US, true);
    view.setUint32(12, 0);
    checked(this.#setsockopt(this.fd, SOL_SOCKET, SO_SNDTIMEO, address, 16), "bound sending");
    if (this.#v6) this.#configureV6();
    else this.#configureV4();
  }

  #configureV4(): void {
    this.#set(IPPROTO_IP, IP_MULTICAST_TTL, MULTICAST_TTL, "set the multicast TTL");
    this.#set(IPPROTO_IP, IP_MULTICAST_LOOP, 1, "loop multicast back");
    this.#try(IPPROTO_IP, IP_MULTICAST_ALL, 0);
    this.#try(IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO);
    if (this.interfaceIndex === 0) return;
    this.#scratch.bytes.fill(0);
    this.#scratch.view.setUint32(8, this.interfaceIndex, true);
    checked(
      this.#setsockopt(this.fd, IPPROTO_IP, IP_MULTICAST_IF, this.#scratch.address, 12),
      `send multicast by interface ${this.interfaceIndex}`,
    );
  }

  #configureV6(): void {
    this.#set(IPPROTO_IPV6, IPV6_V6ONLY, 1, "keep to IPv6");
    this.#set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, MULTICAST_TTL, "set the multicast hop limit");
    this.#set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, "loop multicast back");
    this.#try(IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    this.#try(IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DO);
    if (this.interfaceIndex === 0) return;
    const task = `send multicast by interface ${this.interfaceIndex}`;
    this.#set(IPPROTO_IPV6, IPV6_MULTICAST_IF, this.interfaceIndex, task);
  }

  #bind(wanted: Endpoint): Endpoint {
    const bind = libcFunction("bind", "int", ["int", "uintptr", "uint"]);
    const getsockname = libcFunction("getsockname", "int", ["int", "uintptr", "uintptr"]);
    const { view, address } = this.#scratch;
    const length = writeSockaddr(view, 0, wanted, this.interfaceIndex);
    checked(bind(this.fd, address, length), `bind UDP ${wanted.address} port ${wanted.port}`);
    const size = nativeBlock(8);
    size.view.setUint32(0, SOCKADDR_ROOM_BYTES, true);
    checked(getsockname(this.fd, address, size.address), "read the socket's own address");
    return readSockaddr(view, 0);
  }

  /** Reads a word among the socket's own options. */
  #valueOf(name: number): number {
    const parameters = ["int", "int", "int", "uintptr", "uintptr"] as const;
    const getsockopt = libcFunction("getsockopt", "int", parameters);
    const size = nativeBlock(8);
    size.view.setUint32(0, 4, true);
    const { view, address } = this.#scratch;
    const task = "read an option of the socket";
    checked(getsockopt(this.fd, SOL_SOCKET, name, address, size.address), task);
    return view.getInt32(0, true);
  }

  #set(level: number, name: number, value: number, task: string): void {
    checked(this.#option(level, name, value), task);
  }

  #try(level: number, name: number, value: number): boolean {
    return this.#option(level, name, value) === 0;
  }

  #option(level: number, name: number, value: number): number {
    this.#scratch.view.setInt32(0, value, true);
    return this.#setsockopt(this.fd, level, name, this.#scratch.address, 4);
  }
}
