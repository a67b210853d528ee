/**
 * Sends a batch with sendmmsg; runs of equal datagrams leave as one message with UDP_SEGMENT.
 *
 * Datagrams lie back to back in the arena, so a run is one vector. The kernel cuts it as late as it
 * can, which costs a quarter of sending the datagrams one by one. A device or kernel that cannot do
 * this answers EIO or EINVAL once, and from then on each datagram is its own message. Source:
 * udp(7) UDP_SEGMENT, sendmmsg(2).
 */
import type { Arena } from "../core/arena.ts";
import { BATCH_DATAGRAMS_MAX } from "./datagram-options.ts";
import type { PackedBatch } from "./datagram-options.ts";
import {
  SystemCallError,
  addressOf,
  errnoName,
  lastErrno,
  libcFunction,
  nativeBlock,
} from "./libc.io.ts";
import type { NativeBlock } from "./libc.io.ts";
import type { EndpointTable } from "./socket-address.io.ts";

const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
/** CMSG_SPACE(2): header 16, a u16, padding. */
const CONTROL_BYTES = 24;
/** CMSG_LEN(2). */
const CONTROL_LENGTH = 18;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** UDP_MAX_SEGMENTS of all kernels since 4.18. */
const SEGMENTS_MAX = 64;
/** Longest payload: the limit of an IPv4 datagram, less its headers. Unit: bytes. */
const RUN_BYTES_MAX = 65_507;
const TWO_POW_32 = 0x1_0000_0000;

/** Errors that mean a temporary refusal by the kernel; the datagram is lost, as on a network. */
const PASSING: ReadonlySet<string> = new Set([
  "EAGAIN",
  "ENOBUFS",
  "EPERM", // a packet filter
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EMSGSIZE", // larger than the path allows: a probe for a larger symbol size must be able to fail
]);

export class SegmentedSender {
  /** Datagrams passed to the kernel. */
  sent = 0;
  /** Datagrams that the kernel refused for a temporary reason. */
  refused = 0;
  readonly #fd: number;
  readonly #base: number;
  readonly #endpoints: EndpointTable;
  readonly #sendmmsg = libcFunction("sendmmsg", "int", ["int", "uintptr", "uint", "int"]);
  readonly #headers: NativeBlock;
  readonly #words: Uint32Array;
  readonly #control: NativeBlock;
  /** Number of datagrams in each message. */
  readonly #runs = new Int32Array(BATCH_DATAGRAMS_MAX);
  #segmentsMax = SEGMENTS_MAX;

  /** @param endpoints - Table of this socket. */
  constructor(fd: number, arena: Arena, endpoints: EndpointTable) {
    this.#fd = fd;
    this.#base = addressOf(arena.bytes);
    this.#endpoints = endpoints;
    this.#headers = nativeBlock(BATCH_DATAGRAMS_MAX * (MMSGHDR_BYTES + IOVEC_BYTES));
    this.#words = new Uint32Array(this.#headers.bytes.buffer);
    this.#control = nativeBlock(BATCH_DATAGRAMS_MAX * CONTROL_BYTES);
    for (let index = 0; index < BATCH_DATAGRAMS_MAX; index += 1) {
      const header = index * MMSGHDR_BYTES;
      const vector = BATCH_DATAGRAMS_MAX * MMSGHDR_BYTES + index * IOVEC_BYTES;
      this.#pointer(header + 16, this.#headers.address + vector);
      this.#pointer(header + 24, 1);
      this.#pointer(header + 32, this.#control.address + index * CONTROL_BYTES);
      const { view } = this.#control;
      view.setUint32(index * CONTROL_BYTES, CONTROL_LENGTH, true);
      view.setInt32(index * CONTROL_BYTES + 8, SOL_UDP, true);
      view.setInt32(index * CONTROL_BYTES + 12, UDP_SEGMENT, true);
    }
  }

  /**
   * Sends all datagrams of a batch, in order.
   *
   * @param batch - Not changed.
   * @returns Number of datagrams sent.
   * @throws {@link SystemCallError} when the socket itself is broken.
   */
  send(batch: PackedBatch): number {
    const before = this.sent;
    this.#endpoints.makeRoom(batch.count);
    let first = 0;
    // Each turn sends or gives up at least one datagram, or (once) turns segmentation off.
    for (let turn = 0; first < batch.count && turn <= BATCH_DATAGRAMS_MAX + 1; turn += 1) {
      const messages = this.#prepare(batch, first);
      const done = this.#sendmmsg(this.#fd, this.#headers.address, messages, 0);
      if (done > 0) {
        const datagrams = this.#datagramsOf(done);
        this.sent += datagrams;
        first += datagrams;
      } else {
        first += this.#giveUp(lastErrno(), batch.count - first);
      }
    }
    return this.sent - before;
  }

  #datagramsOf(messages: number): number {
    let datagrams = 0;
    for (let index = 0; index < messages; index += 1) datagrams += this.#runs[index] ?? 0;
    return datagrams;
  }

  // Returns the number of datagrams that are given up.
  #giveUp(errno: number, waiting: number): number {
    const name = errnoName(errno);
    if (name === "EINTR") return 0;
    const run = this.#runs[0] ?? 1;
    if (run > 1 && (name === "EIO" || name === "EINVAL")) {
      this.#segmentsMax = 1;
      return 0;
    }
    if (!PASSING.has(name)) throw new SystemCallError("send a datagram", errno);
    // After 200 ms without room the rest would wait as long again, and be out of date by then.
    const lost = name === "EAGAIN" ? waiting : run;
    this.refused += lost;
    return lost;
  }

  #prepare(batch: PackedBatch, first: number): number {
    let messages = 0;
    for (let start = first; start < batch.count; messages += 1) {
      const end = this.#runEnd(batch, start);
      this.#runs[messages] = end - start;
      this.#describe(batch, messages, start, end);
      start = end;
    }
    return messages;
  }

  /** End of a run: equal datagrams to one destination, of which the last may be shorter. */
  #runEnd(batch: PackedBatch, start: number): number {
    const { lengths, remotes } = batch;
    const length = lengths[start] ?? 0;
    const remote = remotes[start];
    const most = Math.min(
      this.#segmentsMax,
      Math.floor(RUN_BYTES_MAX / length),
      batch.count - start,
    );
    let end = start + 1;
    while (end - start < most && remotes[end] === remote) {
      const next = lengths[end] ?? 0;
      if (next > length) break;
      end += 1;
      if (next < length) break;
    }
    return end;
  }

  #describe(batch: PackedBatch, message: number, start: number, end: number): void {
    const header = message * MMSGHDR_BYTES;
    const vector = BATCH_DATAGRAMS_MAX * MMSGHDR_BYTES + message * IOVEC_BYTES;
    const words = this.#words;
    const from = batch.offsets[start] ?? 0;
    const to = (batch.offsets[end - 1] ?? 0) + (batch.lengths[end - 1] ?? 0);
    const remote = batch.remotes[start];
    if (remote !== undefined) this.#pointer(header, this.#endpoints.addressOf(remote));
    words[(header + 8) >> 2] = this.#endpoints.sockaddrBytes;
    this.#pointer(vector, this.#base + from);
    words[(vector + 8) >> 2] = to - from;
    const segmented = end - start > 1;
    words[(header + 40) >> 2] = segmented ? CONTROL_BYTES : 0;
    if (!segmented) return;
    const segmentBytes = batch.lengths[start] ?? 0;
    this.#control.view.setUint16(message * CONTROL_BYTES + 16, segmentBytes, true);
  }

  #pointer(at: number, value: number): void {
    this.#words[at >> 2] = value % TWO_POW_32;
    this.#words[(at >> 2) + 1] = Math.floor(value / TWO_POW_32);
  }
}
