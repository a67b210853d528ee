/**
 * DatagramPort: a UDP socket as the drivers see it, whatever its implementation.
 *
 * There are two implementations in shared/linux (recvmmsg/sendmmsg through koffi, and plain dgram)
 * and a third in the simulator. All pass the same contract test. Received bytes are put into the
 * arena, and outgoing ones are taken from it.
 */
import type { DatagramView, Endpoint, TransmitBatch } from "./engine.ts";

/** Totals since the port was opened. */
export interface PortCounters {
  /** Datagrams passed to the visitor. */
  readonly received: number;
  /** Datagrams passed to the kernel. */
  readonly sent: number;
  /** Datagrams that the kernel dropped because the receive buffer was full. */
  readonly dropped: number;
  /** Datagrams that the kernel refused for a temporary reason (buffer full, unreachable). */
  readonly refused: number;
}

/** The batch that a port sends: an engine fills it, {@link DatagramPort.send} empties it. */
export interface OutgoingBatch extends TransmitBatch {
  /** Number of datagrams waiting in it. */
  readonly count: number;
}

/** An open UDP socket. One thread owns it. */
export interface DatagramPort {
  /** Address and port that it is bound to. */
  readonly local: Endpoint;
  /** The batch that {@link send} sends. */
  readonly batch: OutgoingBatch;
  readonly counters: PortCounters;
  /**
   * Waits for datagrams, and passes on all that are there, up to a limit of the implementation.
   *
   * @param waitMs - Longest wait for the first; 0 does not wait.
   * @param visit - Called once per datagram; its argument is reused and valid only during the call.
   * @returns Number of datagrams passed on; a promise if the implementation cannot block its
   *   thread.
   */
  receive(waitMs: number, visit: (view: DatagramView) => void): number | Promise<number>;
  /**
   * Passes the batch to the kernel, in order, and empties it.
   *
   * @returns Number of datagrams sent; those refused for a temporary reason are counted and lost,
   *   as on a network.
   */
  send(): number | Promise<number>;
  /**
   * Joins a multicast group. If it was joined before, leaves it first, so that switches hear of it
   * again.
   *
   * @param group - IPv4 or IPv6 multicast address.
   */
  join(group: string): void;
  /** Closes the socket. Idempotent. */
  close(): void;
}
