/**
 * DatagramPort over node:dgram: the plain twin, for systems where koffi cannot be loaded.
 *
 * Incoming datagrams are copied into a queue in the arena when their events come, and passed on
 * when the driver asks; when the queue is full they are dropped, as by a socket buffer. It makes
 * one call and one buffer object per datagram, which is good for some 1 Gbit/s, no more.
 */
import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { once } from "node:events";
import type { Arena } from "../core/arena.ts";
import type { DatagramPort, PortCounters } from "../core/datagram-port.ts";
import type { DatagramView, Endpoint } from "../core/engine.ts";
import {
  MULTICAST_TTL,
  PackedBatch,
  RECEIVE_BUFFER_BYTES,
  SEND_BUFFER_BYTES,
} from "./datagram-options.ts";
import type { DatagramOptions } from "./datagram-options.ts";
import { interfaceAddress } from "./interfaces.io.ts";

/** Datagrams that can wait in the arena: 10 ms at 1 Gbit/s. */
const QUEUE_DATAGRAMS = 1024;
/** One full datagram of a 1500-byte frame; larger ones are dropped as truncated. Unit: bytes. */
const DATAGRAM_BYTES_MAX = 1536;
const ENDPOINTS_MAX = 4096;

/** A UDP socket of node:dgram. One thread owns it. */
export class DgramPort implements DatagramPort {
  readonly local: Endpoint;
  readonly batch: PackedBatch;
  readonly #socket: Socket;
  readonly #arena: Arena;
  readonly #interfaceAddress: string | undefined;
  readonly #queueOffset: number;
  readonly #lengths = new Int32Array(QUEUE_DATAGRAMS);
  readonly #remotes: Endpoint[] = [];
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #joined = new Set<string>();
  #head = 0;
  #tail = 0;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;
  readonly #totals = { received: 0, sent: 0, dropped: 0, refused: 0 };
  #open = true;

  private constructor(socket: Socket, options: DatagramOptions, address: string | undefined) {
    this.#socket = socket;
    this.#arena = options.arena;
    this.#interfaceAddress = address;
    this.#queueOffset = options.arena.region(QUEUE_DATAGRAMS * DATAGRAM_BYTES_MAX);
    this.batch = new PackedBatch(options.arena);
    const bound = socket.address();
    this.local = { address: bound.address, port: bound.port };
    socket.on("message", (bytes, remote) => {
      this.#store(bytes, remote);
    });
    socket.on("error", (error) => {
      this.#failure = error;
      this.#wake?.();
    });
  }

  /** @throws A system error of bind or of a socket option; {@link HuckError} `no_interface`. */
  static async open(options: DatagramOptions): Promise<DgramPort> {
    const v6 = options.bind.address.includes(":");
    const { interfaceName } = options;
    const address =
      interfaceName === undefined
        ? undefined
        : interfaceAddress(interfaceName, v6 ? "IPv6" : "IPv4");
    const socket = createSocket({
      type: v6 ? "udp6" : "udp4",
      reuseAddr: options.shared ?? false,
      ipv6Only: v6,
    });
    socket.bind({ port: options.bind.port, address: options.bind.address });
    await once(socket, "listening"); // rejects on "error"
    socket.setMulticastTTL(MULTICAST_TTL);
    socket.setMulticastLoopback(true);
    if (address !== undefined) socket.setMulticastInterface(address);
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    socket.setSendBufferSize(SEND_BUFFER_BYTES);
    return new DgramPort(socket, options, address);
  }

  /** @returns Running totals; drops at the kernel's buffer are not known here. */
  get counters(): PortCounters {
    return { ...this.#totals };
  }

  /**
   * Waits for datagrams and passes on all that are there, at most 1024.
   *
   * @param waitMs - Longest wait; whole milliseconds count.
   * @param visit - Called once per datagram.
   * @returns Number of datagrams passed on.
   * @throws The socket's error.
   */
  async receive(waitMs: number, visit: (view: DatagramView) => void): Promise<number> {
    if (this.#head === this.#tail) await this.#wait(waitMs);
    if (this.#failure !== undefined) throw this.#failure;
    const end = this.#tail;
    const count = end - this.#head;
    for (; this.#head < end; this.#head += 1) {
      const place = this.#head % QUEUE_DATAGRAMS;
      const remote = this.#remotes[place];
      if (remote === undefined) continue;
      const offset = this.#queueOffset + place * DATAGRAM_BYTES_MAX;
      const length = this.#lengths[place] ?? 0;
      visit({ offset, length, remote, dropped: this.#totals.dropped });
    }
    this.#totals.received += count;
    return count;
  }

  /** @returns Number of datagrams sent. */
  async send(): Promise<number> {
    const { batch } = this;
    const sends: Promise<number>[] = [];
    for (let index = 0; index < batch.count; index += 1) {
      const remote = batch.remotes[index];
      const offset = batch.offsets[index] ?? 0;
      // A copy: libuv reads it later, and the batch is refilled before that.
      const bytes = this.#arena.bytes.slice(offset, offset + (batch.lengths[index] ?? 0));
      if (remote !== undefined) sends.push(this.#sendOne(bytes, remote));
    }
    batch.clear();
    const results = await Promise.all(sends);
    const sent = results.reduce((sum, one) => sum + one, 0);
    this.#totals.sent += sent;
    this.#totals.refused += results.length - sent;
    return sent;
  }

  /**
   * Joins a multicast group, or refreshes its membership.
   *
   * @param group - IPv4 or IPv6 multicast address.
   * @throws A system error, for example ENODEV.
   */
  join(group: string): void {
    if (this.#joined.has(group)) this.#socket.dropMembership(group, this.#interfaceAddress);
    this.#socket.addMembership(group, this.#interfaceAddress);
    this.#joined.add(group);
  }

  /** Closes the socket. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket.close();
    this.#wake?.();
  }

  #sendOne(bytes: Uint8Array, remote: Endpoint): Promise<number> {
    return new Promise((resolve) => {
      // Any error of sending is treated as a datagram that the network lost.
      this.#socket.send(bytes, remote.port, remote.address, (error) => {
        resolve(error === null ? 1 : 0);
      });
    });
  }

  #store(bytes: Uint8Array, remote: RemoteInfo): void {
    if (this.#tail - this.#head >= QUEUE_DATAGRAMS || bytes.byteLength > DATAGRAM_BYTES_MAX) {
      this.#totals.dropped += 1;
      return;
    }
    const place = this.#tail % QUEUE_DATAGRAMS;
    this.#arena.bytes.set(bytes, this.#queueOffset + place * DATAGRAM_BYTES_MAX);
    this.#lengths[place] = bytes.byteLength;
    this.#remotes[place] = this.#intern(remote);
    this.#tail += 1;
    this.#wake?.();
  }

  #intern(remote: RemoteInfo): Endpoint {
    const key = `${remote.address} ${remote.port}`;
    const known = this.#endpoints.get(key);
    if (known !== undefined) return known;
    if (this.#endpoints.size >= ENDPOINTS_MAX) this.#endpoints.clear();
    const fresh = { address: remote.address.replace(/%.*/, ""), port: remote.port };
    this.#endpoints.set(key, fresh);
    return fresh;
  }

  /**
   * Events come only while this thread yields, so even a wait of 0 lets the event loop turn once.
   */
  #wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        clearImmediate(turn);
        this.#wake = undefined;
        resolve();
      };
      const timer = waitMs > 0 ? setTimeout(finish, waitMs) : undefined;
      const turn = waitMs > 0 ? undefined : setImmediate(finish);
      this.#wake = finish;
    });
  }
}
