/**
 * DatagramPort over recvmmsg and sendmmsg: one system call for many datagrams.
 *
 * Headers, vectors and buffers are laid out once; a call only writes lengths. Incoming datagrams
 * are put into the arena, and coalesced runs (UDP_GRO) are passed on one by one. Outgoing runs of
 * equal length to one destination leave as one message, which the kernel or the NIC cuts up
 * (UDP_SEGMENT). Waiting uses ppoll, because socket timeouts count in ticks of 4 ms. Nothing is
 * allocated per datagram. Sources: recvmmsg(2), sendmmsg(2), udp(7), ppoll(2).
 */
import type { Arena } from "../core/arena.ts";
import type { DatagramPort, PortCounters } from "../core/datagram-port.ts";
import type { DatagramView, Endpoint } from "../core/engine.ts";
import { PackedBatch } from "./datagram-options.ts";
import type { DatagramOptions } from "./datagram-options.ts";
import {
  SystemCallError,
  addressOf,
  closeDescriptor,
  lastErrno,
  libcFunction,
  nativeBlock,
} from "./libc.io.ts";
import type { NativeBlock } from "./libc.io.ts";
import { FullQueue } from "./full-queue.ts";
import { SegmentedSender } from "./segmented-sender.io.ts";
import { EndpointTable, SOCKADDR_ROOM_BYTES } from "./socket-address.io.ts";
import { UdpSocket } from "./socket.io.ts";

const EINTR = 4;
const EAGAIN = 11;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
/** Most messages of one recvmmsg; without coalescing each is one datagram. */
const MESSAGES = 64;
/** Room for a coalesced run, and 1472 more so that buffers do not share cache sets. Unit: bytes. */
const MESSAGE_ROOM_BYTES = 65536 + 1472;
/** struct mmsghdr: name 0, its length 8, iov 16, count 24, control 32, its length 40, len 56. */
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
/** Room for two control messages of 4 bytes (24 each) and one more. Unit: bytes. */
const CONTROL_BYTES = 72;
const CMSG_HEADER_BYTES = 16;
const SOL_UDP = 17;
const UDP_GRO = 104;
const SOL_SOCKET = 1;
const SO_RXQ_OVFL = 40;

/** The argument of visitors: one object per port, whose fields are set for each datagram. */
class ReusedView implements DatagramView {
  offset = 0;
  length = 0;
  remote: Endpoint = { address: "", port: 0 };
  dropped = 0;
}

/** A UDP socket that moves datagrams in batches. One thread owns it. */
export class MmsgPort implements DatagramPort {
  readonly local: Endpoint;
  readonly batch: PackedBatch;
  readonly #socket: UdpSocket;
  readonly #endpoints: EndpointTable;
  readonly #sender: SegmentedSender;
  readonly #recvmmsg = libcFunction("recvmmsg", "int", [
    "int",
    "uintptr",
    "uint",
    "int",
    "uintptr",
  ]);
  readonly #ppoll = libcFunction("ppoll", "int", ["uintptr", "ulong", "uintptr", "uintptr"]);
  readonly #messagesOffset: number;
  readonly #headers: NativeBlock;
  readonly #words: Uint32Array;
  readonly #names: NativeBlock;
  readonly #control: NativeBlock;
  readonly #poll: NativeBlock;
  readonly #view = new ReusedView();
  readonly #drops: FullQueue;
  #received = 0;
  #open = true;

  /** @throws {@link HuckError} `no_libc`, `no_interface`, `arena_full`, or the errno of a call. */
  constructor(options: DatagramOptions) {
    this.#socket = new UdpSocket(options); // first: if it throws, the arena is untouched
    this.local = this.#socket.local;
    this.#drops = new FullQueue(this.#socket.receiveBufferBytes);
    this.#messagesOffset = options.arena.region(MESSAGES * MESSAGE_ROOM_BYTES);
    this.batch = new PackedBatch(options.arena);
    this.#headers = nativeBlock(MESSAGES * (MMSGHDR_BYTES + IOVEC_BYTES));
    this.#words = new Uint32Array(this.#headers.bytes.buffer);
    this.#names = nativeBlock(MESSAGES * SOCKADDR_ROOM_BYTES);
    this.#control = nativeBlock(MESSAGES * CONTROL_BYTES);
    this.#poll = nativeBlock(32);
    this.#layOut(options.arena);
    this.#endpoints = new EndpointTable(this.#socket.interfaceIndex);
    this.#sender = new SegmentedSender(this.#socket.fd, options.arena, this.#endpoints);
    this.#poll.view.setInt32(0, this.#socket.fd, true);
    this.#poll.view.setUint16(4, POLLIN, true);
  }

  get counters(): PortCounters {
    return {
      received: this.#received,
      sent: this.#sender.sent,
      dropped: this.#drops.lost,
      refused: this.#sender.refused,
    };
  }

  /**
   * Waits for datagrams and passes on those that are there: at most 64 messages of up to 64 KiB.
   *
   * @param waitMs - Longest wait; fractions count. A signal may end it.
   * @param visit - Called once per datagram.
   * @returns Number of datagrams passed on.
   * @throws {@link SystemCallError} when the socket itself is broken.
   */
  receive(waitMs: number, visit: (view: DatagramView) => void): number {
    if (waitMs > 0 && !this.#wait(waitMs)) {
      this.#drops.emptied();
      return 0;
    }
    const { fd } = this.#socket;
    const count = this.#recvmmsg(fd, this.#headers.address, MESSAGES, MSG_DONTWAIT, 0);
    if (count < 0) {
      const errno = lastErrno();
      if (errno === EAGAIN) this.#drops.emptied();
      if (errno === EAGAIN || errno === EINTR) return 0;
      throw new SystemCallError(`receive on UDP port ${this.local.port}`, errno);
    }
    let handed = 0;
    for (let index = 0; index < count; index += 1) handed += this.#handOver(index, visit);
    if (count < MESSAGES) this.#drops.emptied();
    this.#received += handed;
    return handed;
  }

  /**
   * Passes the batch to the kernel; waits at most 200 ms if the send buffer is full.
   *
   * @returns Number of datagrams sent.
   * @throws {@link SystemCallError} when the socket itself is broken.
   */
  send(): number {
    const sent = this.#sender.send(this.batch);
    this.batch.clear();
    return sent;
  }

  /**
   * Joins a multicast group, or refreshes its membership.
   *
   * @param group - IPv4 or IPv6 multicast address.
   * @throws {@link HuckError} `bad_address`, or ENODEV if there is no interface for it.
   */
  join(group: string): void {
    this.#socket.join(group);
  }

  /** Closes the socket. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeDescriptor(this.#socket.fd);
  }

  #layOut(arena: Arena): void {
    const base = addressOf(arena.bytes);
    const { view, address } = this.#headers;
    const vectors = MESSAGES * MMSGHDR_BYTES;
    for (let index = 0; index < MESSAGES; index += 1) {
      const header = index * MMSGHDR_BYTES;
      const vector = vectors + index * IOVEC_BYTES;
      const pointer = (at: number, value: number): void => {
        view.setBigUint64(at, BigInt(value), true);
      };
      pointer(header, this.#names.address + index * SOCKADDR_ROOM_BYTES);
      pointer(header + 16, address + vector);
      pointer(header + 24, 1);
      pointer(header + 32, this.#control.address + index * CONTROL_BYTES);
      pointer(vector, base + this.#messagesOffset + index * MESSAGE_ROOM_BYTES);
      pointer(vector + 8, 65536);
      this.#reset(header);
    }
  }

  /** Restores the capacities, which the kernel has overwritten with the lengths it used. */
  #reset(header: number): void {
    this.#words[(header + 8) >> 2] = SOCKADDR_ROOM_BYTES;
    this.#words[(header + 40) >> 2] = CONTROL_BYTES;
  }

  /**
   * @returns False if nothing came. True if something is there, or if a signal ended the wait: then
   *   nobody knows, and the queue itself must be asked.
   */
  #wait(waitMs: number): boolean {
    const { view, address } = this.#poll;
    const seconds = Math.floor(waitMs / 1000);
    view.setUint32(8, seconds, true);
    view.setUint32(16, Math.floor((waitMs - seconds * 1000) * 1e6), true);
    const ready = this.#ppoll(address, 1, address + 8, 0);
    if (ready >= 0) return ready > 0;
    const errno = lastErrno();
    if (errno !== EINTR) throw new SystemCallError(`wait on UDP port ${this.local.port}`, errno);
    return true;
  }

  #handOver(index: number, visit: (view: DatagramView) => void): number {
    const header = index * MMSGHDR_BYTES;
    const length = this.#words[(header + 56) >> 2] ?? 0;
    const controlBytes = this.#words[(header + 40) >> 2] ?? 0;
    const view = this.#view;
    const segment = controlBytes > 0 ? this.#readControl(index, controlBytes) : 0;
    view.remote = this.#endpoints.endpointAt(this.#names.view, index * SOCKADDR_ROOM_BYTES);
    view.dropped = this.#drops.lost;
    this.#drops.read(segment === 0 ? 1 : Math.ceil(length / segment), length);
    this.#reset(header);
    const start = this.#messagesOffset + index * MESSAGE_ROOM_BYTES;
    if (segment === 0) {
      view.offset = start;
      view.length = length;
      visit(view);
      return 1;
    }
    let handed = 0;
    for (let at = 0; at < length; at += segment) {
      view.offset = start + at;
      view.length = Math.min(segment, length - at);
      visit(view);
      handed += 1;
    }
    return handed;
  }

  /** cmsghdr: len 0 (8 bytes), level 8, type 12, data 16; the next one is 8-aligned. */
  #readControl(index: number, controlBytes: number): number {
    const { view } = this.#control;
    const start = index * CONTROL_BYTES;
    let segment = 0;
    for (let at = 0; at + CMSG_HEADER_BYTES < controlBytes; ) {
      const length = view.getUint32(start + at, true);
      if (length < CMSG_HEADER_BYTES) break;
      const level = view.getInt32(start + at + 8, true);
      const type = view.getInt32(start + at + 12, true);
      const value = view.getUint32(start + at + CMSG_HEADER_BYTES, true);
      if (level === SOL_UDP && type === UDP_GRO) segment = value;
      if (level === SOL_SOCKET && type === SO_RXQ_OVFL) this.#drops.counted(value);
      at += (length + 7) & ~7;
    }
    return segment;
  }
}
