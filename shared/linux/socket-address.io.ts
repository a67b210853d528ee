/**
 * sockaddr_in and sockaddr_in6 as bytes, and a table that maps them to endpoints and back.
 *
 * An engine uses endpoints, the kernel wants 16 or 28 bytes. For a sender that was seen before, the
 * table compares numbers and makes no object: it keeps one {@link Endpoint} per address and one
 * structure per Endpoint. Both sides are bounded. A full side is emptied, which only means that
 * its entries are made again. Source: ip(7), ipv6(7).
 */
import { isIPv6 } from "node:net";
import { HuckError } from "../core/errors.ts";
import type { Endpoint } from "../core/engine.ts";
import { nativeBlock } from "./libc.io.ts";
import type { NativeBlock } from "./libc.io.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;
/** Room for the larger of the two structures, rounded for alignment. Unit: bytes. */
export const SOCKADDR_ROOM_BYTES = 32;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const SOCKADDR_IN6_WORDS = SOCKADDR_IN6_BYTES / 4;
/** More than any session has nodes (1024), so that only an attack can fill the table. */
const ENDPOINTS_MAX = 4096;

/**
 * @param view - {@link SOCKADDR_ROOM_BYTES} bytes from `offset` on are overwritten.
 * @param endpoint - Numeric address and port.
 * @param scope - Interface index for a link-local IPv6 address, else 0.
 * @returns Length of the structure. Unit: bytes.
 * @throws {@link HuckError} `bad_address` if the text is no numeric address.
 */
export function writeSockaddr(
  view: DataView,
  offset: number,
  endpoint: Endpoint,
  scope: number,
): number {
  for (let index = 0; index < SOCKADDR_ROOM_BYTES; index += 4) view.setUint32(offset + index, 0);
  view.setUint16(offset + 2, endpoint.port);
  if (isIPv6(endpoint.address)) {
    view.setUint16(offset, AF_INET6, true);
    addressBytes(endpoint.address).forEach((byte, index) => {
      view.setUint8(offset + 8 + index, byte);
    });
    view.setUint32(offset + 24, scope, true);
    return SOCKADDR_IN6_BYTES;
  }
  view.setUint16(offset, AF_INET, true);
  addressBytes(endpoint.address).forEach((byte, index) => {
    view.setUint8(offset + 4 + index, byte);
  });
  return SOCKADDR_IN_BYTES;
}

/**
 * @param offset - Of the first byte.
 * @returns A fresh endpoint.
 * @throws {@link HuckError} `bad_address` for another address family.
 */
export function readSockaddr(view: DataView, offset: number): Endpoint {
  const family = view.getUint16(offset, true);
  const port = view.getUint16(offset + 2);
  if (family === AF_INET) {
    const octets = [4, 5, 6, 7].map((index) => view.getUint8(offset + index));
    return { address: octets.join("."), port };
  }
  if (family === AF_INET6) {
    const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(offset + 8 + index * 2));
    return { address: ipv6Text(groups), port };
  }
  throw new HuckError(
    "bad_address",
    `Cannot read a socket address: family ${family}, ${AF_INET} or ${AF_INET6} wanted`,
  );
}

/**
 * @param address - IPv4 dotted or IPv6 text without a zone.
 * @returns 4 or 16 bytes, network order.
 * @throws {@link HuckError} `bad_address`.
 */
export function addressBytes(address: string): Uint8Array {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const octets = address.split(".").map(Number);
    if (octets.every((octet) => octet <= 255)) return Uint8Array.from(octets);
  }
  if (!isIPv6(address) || address.includes("%")) {
    throw new HuckError(
      "bad_address",
      `Cannot use "${address}": a numeric IPv4 or IPv6 address wanted`,
    );
  }
  return ipv6Bytes(address);
}

function ipv6Bytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text =
    dotted === null
      ? address
      : address.slice(0, dotted.index) +
        [0, 2].map((at) => hexPair(dotted[at + 1], dotted[at + 2])).join(":");
  const [head = "", tail] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  front.forEach((group, index) => {
    setU16(bytes, index * 2, group);
  });
  back.forEach((group, index) => {
    setU16(bytes, 16 - (back.length - index) * 2, group);
  });
  return bytes;
}

function hexPair(high: string | undefined, low: string | undefined): string {
  return ((Number(high) << 8) | Number(low)).toString(16);
}

function setU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >> 8;
  bytes[offset + 1] = value & 0xff;
}

/** RFC 5952 section 4: lower case, the longest run of two or more zero groups becomes "::". */
function ipv6Text(groups: readonly number[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}

/** One Endpoint per remote address, and one socket address structure per Endpoint. */
export class EndpointTable {
  readonly #scope: number;
  readonly #block: NativeBlock;
  readonly #v4 = new Map<number, Endpoint>();
  readonly #v6 = new Map<string, Endpoint>();
  readonly #offsets = new Map<Endpoint, number>();
  #lastKey = -1;
  #last: Endpoint = { address: "0.0.0.0", port: 0 };
  readonly #lastV6Words = new Uint32Array(SOCKADDR_IN6_WORDS);
  #lastV6: Endpoint = { address: "::", port: 0 };
  #lengthBytes = SOCKADDR_IN_BYTES;

  /**
   * @param scope - Interface index that link-local IPv6 addresses belong to, else 0.
   */
  constructor(scope: number) {
    this.#scope = scope;
    this.#block = nativeBlock(ENDPOINTS_MAX * SOCKADDR_ROOM_BYTES);
  }

  /** @returns Length of every structure in this table (a socket has one family). Unit: bytes. */
  get sockaddrBytes(): number {
    return this.#lengthBytes;
  }

  /**
   * Finds the endpoint for the sender of a datagram.
   *
   * @param view - Holds the socket address that the kernel wrote.
   * @param offset - Of its first byte.
   * @returns The same object for the same address, until more than 4096 others were seen.
   */
  endpointAt(view: DataView, offset: number): Endpoint {
    if (view.getUint16(offset, true) !== AF_INET) return this.#ipv6At(view, offset);
    // 48 bits: exact in a double, and no text is built for a known address.
    const key = view.getUint16(offset + 2) * 0x1_0000_0000 + view.getUint32(offset + 4);
    if (key === this.#lastKey) return this.#last;
    let endpoint = this.#v4.get(key);
    if (endpoint === undefined) {
      if (this.#v4.size >= ENDPOINTS_MAX) this.#v4.clear();
      endpoint = readSockaddr(view, offset);
      this.#v4.set(key, endpoint);
    }
    this.#lastKey = key;
    this.#last = endpoint;
    return endpoint;
  }

  /**
   * Makes sure that the next `count` endpoints find room without invalidating an address handed out
   * since.
   *
   * @param count - At most 4096.
   */
  makeRoom(count: number): void {
    if (this.#offsets.size + count > ENDPOINTS_MAX) this.#offsets.clear();
  }

  /**
   * Finds the socket address of an endpoint.
   *
   * @param endpoint - Compared by identity.
   * @returns Memory address of the structure, valid until the next {@link makeRoom}.
   * @throws {@link HuckError} `bad_address`.
   */
  addressOf(endpoint: Endpoint): number {
    let offset = this.#offsets.get(endpoint);
    if (offset === undefined) {
      offset = this.#offsets.size * SOCKADDR_ROOM_BYTES;
      this.#lengthBytes = writeSockaddr(this.#block.view, offset, endpoint, this.#scope);
      this.#offsets.set(endpoint, offset);
    }
    return this.#block.address + offset;
  }

  #ipv6At(view: DataView, offset: number): Endpoint {
    if (this.#sameAsLast(view, offset)) return this.#lastV6;
    const fresh = readSockaddr(view, offset);
    const key = `${fresh.address} ${fresh.port}`;
    let endpoint = this.#v6.get(key);
    if (endpoint === undefined) {
      if (this.#v6.size >= ENDPOINTS_MAX) this.#v6.clear();
      endpoint = fresh;
      this.#v6.set(key, endpoint);
    }
    for (let word = 0; word < SOCKADDR_IN6_WORDS; word += 1) {
      this.#lastV6Words[word] = view.getUint32(offset + word * 4);
    }
    this.#lastV6 = endpoint;
    return endpoint;
  }

  #sameAsLast(view: DataView, offset: number): boolean {
    for (let word = 0; word < SOCKADDR_IN6_WORDS; word += 1) {
      if (this.#lastV6Words[word] !== view.getUint32(offset + word * 4)) return false;
    }
    return true;
  }
}
