/**
 * Tells which of the drops that the kernel counts at a socket are those of a full receive queue.
 *
 * SO_RXQ_OVFL also counts datagrams whose checksum is wrong, and anybody can send those. But before
 * the first datagram behind a drop at a full queue, the whole queue is read without a pause. If
 * less was read, the drop was of another kind. Sources:
 * udp_queue_rcv_one_skb() and sock_recv_drops() of Linux.
 */
import type { ByteCount } from "../core/units.ts";

/** What the kernel charges for each datagram besides its bytes, at least. Unit: bytes. */
const CHARGE_BYTES = 512;
/** A page of 4096 bytes for a short datagram is charged eightfold. */
const CHARGED_TIMES_MAX = 8;

export class FullQueue {
  readonly #fullBytes: ByteCount;
  /** Read since the queue was last found empty, or before that if nothing has come since. */
  #readBytes = 0;
  #isEmpty = true;
  #known = 0;
  #lost = 0;

  /** @param bufferBytes - Size of the receive buffer as the kernel gives it (SO_RCVBUF). */
  constructor(bufferBytes: ByteCount) {
    this.#fullBytes = bufferBytes / CHARGED_TIMES_MAX;
  }

  /** @returns Datagrams that came when the queue was full, modulo 2^32. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes the kernel's count as a datagram brought it, before {@link read} of that datagram. */
  counted(drops: number): void {
    const fresh = (drops - this.#known) >>> 0;
    this.#known = drops;
    if (this.#readBytes >= this.#fullBytes) this.#lost = (this.#lost + fresh) >>> 0;
  }

  /** Notes datagrams that were read. */
  read(count: number, bytes: ByteCount): void {
    if (this.#isEmpty) this.#readBytes = 0;
    this.#isEmpty = false;
    this.#readBytes += count * CHARGE_BYTES + bytes;
  }

  /** Notes that the queue was found empty. */
  emptied(): void {
    this.#isEmpty = true;
  }
}
