/**
 * DatagramPort: a UDP socket as the drivers see it, whichever way it is made.
 *
 * Two implementations exist in shared/linux (recvmmsg/sendmmsg through koffi, and plain dgram), a
 * third in the simulator. All pass the same contract test. Received bytes land in the arena,
 * outgoing ones are taken from it.
 */
import type { DatagramView, Endpoint, TransmitBatch } from "./engine.ts";

/** What a port has seen since it was opened. */
export interface PortCounters {
  /** Datagrams handed to the visitor. */
  readonly received: number;
  /** Datagrams given to the kernel. */
  readonly sent: number;
  /** Datagrams the kernel dropped because the receive buffer was full. */
  readonly dropped: number;
  /** Datagrams the kernel refused for a passing reason (buffer full, unreachable). */
  readonly refused: number;
}

/** The batch a port sends from: filled by an engine, emptied by {@link DatagramPort.send}. */
export interface OutgoingBatch extends TransmitBatch {
  /** Datagrams waiting in it. */
  readonly count: number;
}

/** An open UDP socket. One thread owns it. */
export interface DatagramPort {
  /** Address and port it is bound to. */
  readonly local: Endpoint;
  /** The batch that {@link send} sends. */
  readonly batch: OutgoingBatch;
  /** Running totals. */
  readonly counters: PortCounters;
  /**
   * Waits for datagrams and hands over all that are there, up to a bound of the implementation.
   *
   * @param waitMs - Longest wait for the first; 0 does not wait.
   * @param visit - Called once for each; its argument is reused and valid only during the call.
   * @returns How many were handed over; a promise where the implementation cannot block its thread.
   */
  receive(waitMs: number, visit: (view: DatagramView) => void): number | Promise<number>;
  /**
   * Gives the batch to the kernel, in order, and empties it.
   *
   * @returns How many went out; those refused for a passing reason are counted and lost, as a
   *   network may.
   */
  send(): number | Promise<number>;
  /**
   * Joins a multicast group, or leaves and joins again when already in it (refreshes switches).
   *
   * @param group - IPv4 or IPv6 multicast address.
   */
  join(group: string): void;
  /** Closes the socket. Idempotent. */
  close(): void;
}
