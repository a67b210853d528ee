/**
 * The options of both ports of shared/linux, and the batch that both send.
 *
 * Datagrams of a batch lie back to back in the arena, so a run of equal ones is already the one
 * long buffer that UDP segmentation needs. This file makes no system call.
 */
import type { Arena } from "../core/arena.ts";
import type { OutgoingBatch } from "../core/datagram-port.ts";
import type { Endpoint } from "../core/engine.ts";

export interface DatagramOptions {
  /** Received and outgoing datagrams lie here; some 2.5 MiB are taken. */
  readonly arena: Arena;
  /** Address and port to bind: "0.0.0.0" or "::" for any, port 0 for a free one. */
  readonly bind: Endpoint;
  /** Interface for multicast both ways, by name; default: the routing table decides. */
  readonly interfaceName?: string;
  /**
   * True if other sockets of this host bind the same port, as receivers of one group do; default
   * false.
   */
  readonly shared?: boolean;
}

/**
 * Receive buffer to request; without privilege the kernel may give less. 16 MiB of kernel memory is
 * about 7000 full datagrams, 85 ms at 1 Gbit/s. Unit: bytes.
 */
export const RECEIVE_BUFFER_BYTES: number = 16 * 1024 * 1024;
/** Send buffer to request: 4 ms at 1 Gbit/s; a larger one delays repairs behind it. Unit: bytes. */
export const SEND_BUFFER_BYTES: number = 512 * 1024;
/** Gives the address that binds a port of all interfaces, of the family of another address. */
export function anyAddress(alike: string): "0.0.0.0" | "::" {
  return alike.includes(":") ? "::" : "0.0.0.0";
}

/** Routers that multicast may cross, plus one: a session stays on its own network. */
export const MULTICAST_TTL = 1;
/** Most datagrams in a batch: two to three segmented sends of 45 full ones. */
export const BATCH_DATAGRAMS_MAX = 128;
/** Room for a batch of full datagrams of 1500-byte frames. Unit: bytes. */
const BATCH_BYTES = BATCH_DATAGRAMS_MAX * 1536;

/** Outgoing datagrams, back to back in the arena. */
export class PackedBatch implements OutgoingBatch {
  /** Offset in the arena of each datagram. */
  readonly offsets: Int32Array = new Int32Array(BATCH_DATAGRAMS_MAX);
  /** Length of each datagram. Unit: bytes. */
  readonly lengths: Int32Array = new Int32Array(BATCH_DATAGRAMS_MAX);
  /** Where each datagram goes. */
  readonly remotes: Endpoint[] = [];
  readonly #start: number;
  #used = 0;
  #count = 0;

  /** @param arena - A region for the datagrams is taken from it. */
  constructor(arena: Arena) {
    this.#start = arena.region(BATCH_BYTES);
  }

  /** @returns Number of datagrams waiting. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds a datagram.
   *
   * @param length - Unit: bytes.
   * @returns Offset in the arena where the bytes must be written now, or -1 if the batch is full.
   */
  add(length: number, remote: Endpoint): number {
    if (this.#count >= BATCH_DATAGRAMS_MAX || this.#used + length > BATCH_BYTES) return -1;
    const offset = this.#start + this.#used;
    this.offsets[this.#count] = offset;
    this.lengths[this.#count] = length;
    this.remotes[this.#count] = remote;
    this.#count += 1;
    this.#used += length;
    return offset;
  }

  /** Forgets all datagrams. */
  clear(): void {
    this.#count = 0;
    this.#used = 0;
  }
}
