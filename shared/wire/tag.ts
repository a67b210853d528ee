/**
 * The tag: the last eight bytes of every datagram, which prove that it is of this session.
 *
 * Tag = SipHash-2-4, under a 128-bit key, of everything before the tag, stored as the eight
 * little-endian bytes that the reference code writes. Without the key a guess is right once in 2^64
 * times. Datagrams of equal length at equal distance (a burst, a received batch) are tagged four at
 * a time. The tag does not prove that a datagram is fresh: sequence numbers do. The session decides
 * which key is used, and when it changes. Layout of datagrams: WIRE.md.
 */
import assert from "node:assert";
import { PlainSipHashKernel, SIPHASH_BYTES } from "./siphash.ts";
import type { SipHashKernel } from "./siphash.ts";
import { SIMD_BASE64 } from "./siphash-wasm.ts";

/** Bytes of a tag. */
export const TAG_BYTES: number = SIPHASH_BYTES;
/** Bytes of a key. */
export const TAG_KEY_BYTES = 16;
/** Most datagrams that one `checkRun` checks: its result has that many bits. */
const CHECK_RUN_MAX = 32;
/** UDP's 16-bit length field allows no longer datagram. Unit: bytes. */
const DATAGRAM_BYTES_MAX = 65535;

/** Writes and checks tags under one key, for datagrams in one arena; allocates nothing. */
export interface Tagger {
  /**
   * Writes the tag of one datagram.
   *
   * @param offset - Arena offset of the datagram.
   * @param length - Length with the tag, 8 .. 65535; the tag becomes the last 8 bytes.
   */
  seal(offset: number, length: number): void;
  /**
   * Writes the tags of datagrams of equal length.
   *
   * @param offset - Arena offset of the first datagram.
   * @param length - Length of each with its tag, 8 .. 65535. Unit: bytes.
   * @param count - Number of datagrams, 0 or more.
   * @param stride - Bytes from one datagram to the next, at least `length`.
   */
  sealRun(offset: number, length: number, count: number, stride: number): void;
  /**
   * Tells whether a datagram ends in its tag.
   *
   * @param offset - Arena offset of the datagram.
   * @param length - Length with the tag; below 8 bytes the result is false.
   */
  check(offset: number, length: number): boolean;
  /**
   * Tells which of several datagrams of equal length end in their tags.
   *
   * @param offset - Arena offset of the first datagram.
   * @param length - Length of each with its tag; below 8 bytes all results are false.
   * @param count - Number of datagrams, 0 .. 32.
   * @param stride - Bytes from one datagram to the next, at least `length`.
   * @returns Unsigned 32 bits; bit i is 1 if the tag of datagram i is right.
   */
  checkRun(offset: number, length: number, count: number, stride: number): number;
}

/** Implementation of a tagger; both write the same bytes. */
export type TaggerKind = "wasm" | "plain";

/** A kernel, and the tagger whose key it currently holds. */
interface Seat {
  readonly kernel: SipHashKernel;
  owner: Tagger | undefined;
}

/** All taggers of an arena share one kernel, because an instance is big. */
const seats = new WeakMap<WebAssembly.Memory, Seat>();

/**
 * Makes a tagger for one key.
 *
 * This is cheap: all taggers of one arena share a kernel, which is given the key of the tagger that
 * is used.
 *
 * @param memory - The arena, a shared memory.
 * @param key - 16 secret bytes; copied.
 * @param kind - `plain` forces the slow twin. Default: WebAssembly where the runtime has SIMD.
 * @returns A tagger for datagrams in `memory`.
 */
export function createTagger(
  memory: WebAssembly.Memory,
  key: Uint8Array,
  kind?: TaggerKind,
): Tagger {
  assert(key.length === TAG_KEY_BYTES, `key of ${key.length} bytes`);
  const plain = kind === "plain";
  const seat = (plain ? undefined : seats.get(memory)) ?? createSeat(memory, plain);
  if (!plain) seats.set(memory, seat);
  return new ArenaTagger(memory, seat, key);
}

function createSeat(memory: WebAssembly.Memory, plain: boolean): Seat {
  const binary = Buffer.from(SIMD_BASE64, "base64");
  if (plain || !WebAssembly.validate(binary)) {
    return { kernel: new PlainSipHashKernel(memory), owner: undefined };
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  return { kernel: instance.exports as unknown as SipHashKernel, owner: undefined };
}

class ArenaTagger implements Tagger {
  readonly #memory: WebAssembly.Memory;
  readonly #seat: Seat;
  readonly #key: DataView;

  constructor(memory: WebAssembly.Memory, seat: Seat, key: Uint8Array) {
    this.#memory = memory;
    this.#seat = seat;
    this.#key = new DataView(Uint8Array.from(key).buffer);
  }

  seal(offset: number, length: number): void {
    this.sealRun(offset, length, 1, length);
  }

  sealRun(offset: number, length: number, count: number, stride: number): void {
    if (count === 0) return;
    this.#assertRun(offset, length, (count - 1) * stride);
    assert(length >= TAG_BYTES && stride >= length, "datagrams without room for tags");
    this.#takeSeat().seal(offset, length - TAG_BYTES, count, stride);
  }

  check(offset: number, length: number): boolean {
    return this.checkRun(offset, length, 1, length) === 1;
  }

  checkRun(offset: number, length: number, count: number, stride: number): number {
    assert(count <= CHECK_RUN_MAX, "more datagrams than bits");
    if (length < TAG_BYTES || count === 0) return 0;
    this.#assertRun(offset, length, (count - 1) * stride);
    return this.#takeSeat().check(offset, length - TAG_BYTES, count, stride) >>> 0;
  }

  #takeSeat(): SipHashKernel {
    const { kernel, owner } = this.#seat;
    if (owner === this) return kernel;
    const key = this.#key;
    const low = key.getUint32(0, true);
    const high = key.getUint32(4, true);
    kernel.setKey(low, high, key.getUint32(8, true), key.getUint32(12, true));
    this.#seat.owner = this;
    return kernel;
  }

  /**
   * Asserts that a run lies in the arena; `reach` is the distance from the first datagram to the
   * last.
   */
  #assertRun(offset: number, length: number, reach: number): void {
    assert(length <= DATAGRAM_BYTES_MAX, "datagram of impossible length");
    const end = offset + reach + length;
    assert(offset >= 0 && reach >= 0 && end <= this.#memory.buffer.byteLength, "outside the arena");
  }
}
