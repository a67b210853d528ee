/**
 * ICMP echo: finds out whether a node's network stack is alive, for `huck status`.
 *
 * A `Pinger` sends a request to one address and returns the round trip, or nothing. The package
 * raw-socket is tried first. Its twin is a socket of libc: the kernel's ping socket where it is
 * allowed, else a raw one. Only one thread of a process may load raw-socket, so one thread does all
 * pinging. Sources: RFC 792 (echo), RFC 1071 (checksum), icmp(7) ping sockets.
 */
import { createRequire } from "node:module";
import { HuckError } from "../core/errors.ts";
import {
  SystemCallError,
  closeDescriptor,
  lastErrno,
  libcFunction,
  nativeBlock,
} from "./libc.io.ts";
import type { LibcFunction } from "./libc.io.ts";
import { AF_INET, SOCKADDR_ROOM_BYTES, readSockaddr, writeSockaddr } from "./socket-address.io.ts";

export interface Pinger {
  readonly kind: "raw-socket" | "ping-socket" | "raw-libc";
  /**
   * Sends one echo request.
   *
   * @param address - Numeric IPv4 address.
   * @param timeoutMs - Longest wait.
   * @returns Round trip in milliseconds; undefined if no answer came.
   */
  ping(address: string, timeoutMs: number): Promise<number | undefined>;
  /** Closes the socket; waiting pings return undefined. */
  close(): void;
}

const ECHO_BYTES = 16;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const SOCK_NONBLOCK_CLOEXEC = 0x800 | 0x80000;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_ICMP = 1;
const RECEIVE_BYTES = 128;
const RECEIVES_MAX = 256;
/**
 * The socket is polled this often, because a blocking wait would stop the thread for everybody
 * else. Unit: milliseconds.
 */
const POLL_MS = 2;

/** The part of the package raw-socket that we use. */
interface RawSocketPackage {
  readonly Protocol: { readonly ICMP: number };
  createSocket(options: { readonly protocol: number }): {
    on(event: "message", listener: (bytes: Buffer, source: string) => void): void;
    on(event: "error", listener: (error: Error) => void): void;
    send(
      bytes: Buffer,
      offset: number,
      length: number,
      address: string,
      done: (error: Error | null) => void,
    ): void;
    close(): void;
  };
}

/**
 * @param identifier - Tells our requests from other programs', 0 .. 65535.
 * @param sequence - Tells our requests apart, 0 .. 65535.
 * @returns 16 bytes with their checksum.
 * @internal Exported for a test.
 */
export function echoRequest(identifier: number, sequence: number): Uint8Array {
  const bytes = new Uint8Array(ECHO_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, ECHO_REQUEST);
  view.setUint16(4, identifier);
  view.setUint16(6, sequence);
  view.setUint16(2, internetChecksum(bytes));
  return bytes;
}

/**
 * @param bytes - ICMP message, or an IPv4 datagram that holds one (raw sockets deliver those).
 * @returns Identifier and sequence; undefined for anything else.
 * @internal Exported for a test.
 */
export function echoReply(
  bytes: Uint8Array,
): { readonly identifier: number; readonly sequence: number } | undefined {
  const first = bytes[0] ?? 0;
  const start = first >> 4 === 4 ? (first & 0x0f) * 4 : 0; // no ICMP type begins with 4
  if (bytes.byteLength < start + 8 || bytes[start] !== ECHO_REPLY) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, 8);
  return { identifier: view.getUint16(4), sequence: view.getUint16(6) };
}

/**
 * The checksum of RFC 1071 over bytes whose checksum field is zero.
 *
 * @param bytes - Even length.
 * @returns 16 bits.
 * @internal Exported for a test.
 */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.byteLength; index += 2) {
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * @param wanted - Asks for one kind; default: the first that works.
 * @returns An open pinger; the caller closes it.
 * @throws {@link HuckError} `no_ping` if this process may use neither way.
 */
export function openPinger(wanted?: Pinger["kind"]): Pinger {
  const reasons: string[] = [];
  const ways: readonly (readonly [Pinger["kind"], () => Pinger])[] = [
    ["raw-socket", openRawSocketPackage],
    ["ping-socket", () => new LibcPinger("ping-socket", SOCK_DGRAM)],
    ["raw-libc", () => new LibcPinger("raw-libc", SOCK_RAW)],
  ];
  for (const [kind, open] of ways) {
    if (wanted !== undefined && wanted !== kind) continue;
    try {
      return open();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      reasons.push(`${kind}: ${text.split("\n", 1)[0] ?? ""}`);
    }
  }
  throw new HuckError("no_ping", `Cannot ping: ${reasons.join("; ")}`);
}

/** Requests that wait for their replies, by sequence number. */
class Waiting {
  readonly #calls = new Map<number, { readonly address: string; readonly done: () => void }>();
  #next = 0;

  start(
    address: string,
    timeoutMs: number,
  ): { sequence: number; trip: Promise<number | undefined> } {
    this.#next = (this.#next + 1) & 0xffff;
    const sequence = this.#next;
    const began = performance.now();
    const trip = new Promise<number | undefined>((resolve) => {
      const finish = (value: number | undefined): void => {
        clearTimeout(timer);
        this.#calls.delete(sequence);
        resolve(value);
      };
      const timer = setTimeout(finish, timeoutMs, undefined);
      this.#calls.set(sequence, {
        address,
        done: () => {
          finish(performance.now() - began);
        },
      });
    });
    return { sequence, trip };
  }

  get count(): number {
    return this.#calls.size;
  }

  answer(sequence: number, address: string): void {
    const call = this.#calls.get(sequence);
    if (call?.address === address) call.done();
  }
}

function openRawSocketPackage(): Pinger {
  const raw = createRequire(import.meta.url)("raw-socket") as RawSocketPackage;
  const socket = raw.createSocket({ protocol: raw.Protocol.ICMP });
  const identifier = process.pid & 0xffff;
  const waiting = new Waiting();
  socket.on("message", (bytes, source) => {
    const reply = echoReply(bytes);
    if (reply?.identifier === identifier) waiting.answer(reply.sequence, source);
  });
  socket.on("error", () => {
    socket.close(); // waiting pings run into their timeouts
  });
  return {
    kind: "raw-socket",
    ping(address, timeoutMs) {
      const { sequence, trip } = waiting.start(address, timeoutMs);
      const request = Buffer.from(echoRequest(identifier, sequence));
      socket.send(request, 0, request.byteLength, address, () => undefined);
      return trip;
    },
    close() {
      socket.close();
    },
  };
}

class LibcPinger implements Pinger {
  readonly kind: "ping-socket" | "raw-libc";
  readonly #fd: number;
  readonly #sendto: LibcFunction;
  readonly #recvfrom: LibcFunction;
  readonly #waiting = new Waiting();
  readonly #buffer = nativeBlock(RECEIVE_BYTES);
  readonly #name = nativeBlock(SOCKADDR_ROOM_BYTES + 8);
  readonly #identifier = process.pid & 0xffff;
  #timer: NodeJS.Timeout | undefined;
  #open = true;

  constructor(kind: "ping-socket" | "raw-libc", type: number) {
    this.kind = kind;
    const socket = libcFunction("socket", "int", ["int", "int", "int"]);
    this.#sendto = libcFunction("sendto", "long", [
      "int",
      "uintptr",
      "ulong",
      "int",
      "uintptr",
      "uint",
    ]);
    this.#recvfrom = libcFunction("recvfrom", "long", [
      "int",
      "uintptr",
      "ulong",
      "int",
      "uintptr",
      "uintptr",
    ]);
    this.#fd = socket(AF_INET, type | SOCK_NONBLOCK_CLOEXEC, IPPROTO_ICMP);
    if (this.#fd < 0) throw new SystemCallError("open an ICMP socket", lastErrno());
  }

  ping(address: string, timeoutMs: number): Promise<number | undefined> {
    const { sequence, trip } = this.#waiting.start(address, timeoutMs);
    this.#buffer.bytes.set(echoRequest(this.#identifier, sequence));
    const { view, address: name } = this.#name;
    const length = writeSockaddr(view, 0, { address, port: 0 }, 0);
    this.#sendto(this.#fd, this.#buffer.address, ECHO_BYTES, 0, name, length);
    this.#timer ??= setInterval(() => {
      this.#collect();
    }, POLL_MS);
    return trip;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#timer);
    closeDescriptor(this.#fd);
  }

  #collect(): void {
    const { view, address } = this.#name;
    for (let turn = 0; turn < RECEIVES_MAX; turn += 1) {
      view.setUint32(SOCKADDR_ROOM_BYTES, SOCKADDR_ROOM_BYTES, true);
      const lengthAt = address + SOCKADDR_ROOM_BYTES;
      const buffer = this.#buffer.address;
      const length = this.#recvfrom(this.#fd, buffer, RECEIVE_BYTES, 0, address, lengthAt);
      if (length < 0) break;
      const reply = echoReply(this.#buffer.bytes.subarray(0, length));
      // The kernel gives a ping socket its own identifier and delivers only replies to it.
      const ours = this.kind === "ping-socket" || reply?.identifier === this.#identifier;
      if (reply !== undefined && ours) {
        this.#waiting.answer(reply.sequence, readSockaddr(view, 0).address);
      }
    }
    if (this.#waiting.count > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
