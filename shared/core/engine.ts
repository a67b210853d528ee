/**
 * The engine interface: both ends of a session are pure state machines with these seven methods.
 *
 * An engine takes bytes and `now`, and gives bytes, requests and events. It owns no socket, timer,
 * file or generator. A driver (a file named loop, listener or worker) moves datagrams and time. The
 * simulator is another driver, so the code that runs under a seed is the code that runs on the
 * wire. Datagrams are offsets into the arena: nothing is allocated for one.
 */
import type { Millis } from "./units.ts";

/** An address on the network. Compare the fields, not the identity. */
export interface Endpoint {
  /** IPv4 dotted or IPv6 text without a zone. */
  readonly address: string;
  /** UDP port, 1 .. 65535. */
  readonly port: number;
}

/** A received datagram. The object is reused: it is valid only during the call it is passed to. */
export interface DatagramView {
  /** Offset of its first byte in the arena. */
  readonly offset: number;
  /** Unit: bytes. */
  readonly length: number;
  /** Its sender. This object is stable and may be kept. */
  readonly remote: Endpoint;
  /** Datagrams that the kernel dropped at this socket since it was opened (SO_RXQ_OVFL). */
  readonly dropped: number;
}

/** Outgoing datagrams; the driver owns the batch and empties it after `transmit`. */
export interface TransmitBatch {
  /**
   * Adds a datagram.
   *
   * @param length - Unit: bytes.
   * @returns Offset in the arena where the engine must write those bytes now, or -1 if the batch is
   *   full.
   */
  add(length: number, remote: Endpoint): number;
}

/**
 * A protocol as a pure state machine.
 *
 * @typeParam Request - Work that the driver must do outside: read, decode, write, digest, fetch.
 * @typeParam Result - The result of such work.
 * @typeParam Event - What the driver reports to the rest of the program.
 */
export interface Engine<Request, Result, Event> {
  /**
   * Takes one datagram. Hostile bytes are counted and dropped; they never make it throw.
   *
   * @param view - Valid during the call only.
   */
  receive(view: DatagramView, now: Millis): void;
  /**
   * Takes the result of a request.
   *
   * @param result - Owned by the engine from here on.
   */
  complete(result: Result, now: Millis): void;
  /** Does what is due by now. Harmless if called early or often. */
  tick(now: Millis): void;
  /**
   * Writes datagrams that are due into the batch, as many as fit.
   *
   * @returns Number of datagrams added.
   */
  transmit(batch: TransmitBatch, now: Millis): number;
  /** @returns New requests to the driver; each is given once. */
  requests(): readonly Request[];
  /**
   * @returns When `tick` or `transmit` has something to do at the latest; Infinity if only input
   *   can change anything.
   */
  nextWakeup(): Millis;
  /** @returns The events since the last call; each is given once. */
  events(): readonly Event[];
}
