/**
 * Measures how a session arrives: its loss, from gaps in the sender's sequence numbers, and its
 * rate.
 *
 * The sender numbers its datagrams, so the numbers of a window minus the datagrams that arrived are
 * the losses. Datagrams that this computer's own kernel dropped are not counted as loss, because
 * that is no fault of the network.
 */
import { FRAME_OVERHEAD_BYTES } from "../../wire/header.ts";

/** A loss window spans this many datagrams. */
const WINDOW_DATAGRAMS = 256;
/** In a slow session a window is closed after this long, if it has this many datagrams. */
const WINDOW_MS = 200;
const WINDOW_DATAGRAMS_MIN = 16;
/** A larger gap is a new start (late join, sender restart), not loss. Unit: datagrams. */
const GAP_MAX = 1 << 20;
/** The rate is measured over windows of this length. Unit: milliseconds. */
const RATE_WINDOW_MS = 25;
/** Weight of a new loss window: after 3 windows the old value counts half. */
const LOSS_WEIGHT = 0.2;

/** Measures the datagrams of one session. */
export class Arrival {
  #highest = -1;
  #windowStart = 0;
  #windowSince = 0;
  #windowReceived = 0;
  #windowDrops = 0;
  #drops = 0;
  #windows = 0;
  #loss = 0;
  #bytes = 0;
  #bytesSince = 0;
  #rateKiBs = 0;

  /** @returns Smoothed network loss, 0 .. 1. */
  get loss(): number {
    return this.#loss;
  }

  /** @returns Datagrams that this computer's kernel dropped. */
  get kernelDrops(): number {
    return this.#drops;
  }

  /**
   * Counts a datagram.
   *
   * @param seq - Its sequence number, modulo 2^32.
   * @param length - Unit: bytes.
   * @param dropped - The kernel's running count of drops.
   */
  note(seq: number, length: number, dropped: number, now: number): void {
    this.#drops = dropped;
    this.#bytes += length + FRAME_OVERHEAD_BYTES;
    if (now - this.#bytesSince >= RATE_WINDOW_MS) this.#closeRate(now);
    const ahead = (seq - this.#highest) | 0;
    if (this.#highest < 0 || ahead > GAP_MAX || ahead < -GAP_MAX) this.#restart(seq, now);
    else if (ahead > 0) this.#highest = seq;
    this.#windowReceived += 1;
    const span = (this.#highest - this.#windowStart) | 0;
    const old = now - this.#windowSince >= WINDOW_MS && span >= WINDOW_DATAGRAMS_MIN;
    if (span >= WINDOW_DATAGRAMS || old) this.#closeLoss(now);
  }

  /** @returns The rate of arrival, all headers of the wire included. Unit: KiB/s. */
  rateKiBs(now: number): number {
    if (now - this.#bytesSince >= RATE_WINDOW_MS) this.#closeRate(now);
    return this.#rateKiBs;
  }

  #restart(seq: number, now: number): void {
    this.#windowSince = now;
    this.#highest = seq;
    this.#windowStart = (seq - 1) >>> 0;
    this.#windowReceived = 0;
    this.#windowDrops = this.#drops;
  }

  #closeLoss(now: number): void {
    this.#windowSince = now;
    const span = (this.#highest - this.#windowStart) >>> 0;
    const lost = span - this.#windowReceived - (this.#drops - this.#windowDrops);
    const loss = Math.min(Math.max(lost / span, 0), 1);
    this.#windows += 1;
    this.#loss += (loss - this.#loss) * Math.max(LOSS_WEIGHT, 1 / this.#windows);
    this.#windowStart = this.#highest;
    this.#windowReceived = 0;
    this.#windowDrops = this.#drops;
  }

  #closeRate(now: number): void {
    this.#rateKiBs = ((this.#bytes / 1024) * 1000) / (now - this.#bytesSince);
    this.#bytes = 0;
    this.#bytesSince = now;
  }
}
