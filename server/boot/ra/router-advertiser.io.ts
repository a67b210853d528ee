/**
 * Answers router solicitations of nodes in the inventory, and of nobody else.
 *
 * Advertising to the whole link would give every host of a site a new prefix and wake up its RA
 * guard; so an answer goes only to the node that asked, known by the MAC in its question. Raw
 * sockets cannot be watched by the event loop, so the socket is polled: {@link POLL_MS} is what a
 * node waits instead of 16 s. Without IPv6 on this host the rest of booting works as well, only
 * slower.
 */
import { FormatError } from "../../../shared/core/errors.ts";
import type { Mac } from "../addresses.ts";
import { Icmpv6Socket } from "../interface-sockets.io.ts";
import { ROUTER_SOLICITATION, readSolicitation, writeAdvertisement } from "./message.ts";

/** How often the socket is looked at. Unit: milliseconds. */
const POLL_MS = 50;
/** Most solicitations answered per look: 320 a second. */
const ANSWERS_PER_POLL_MAX = 16;

/** What the listener needs. */
export interface AdvertiserOptions {
  /** Kernel name of the lab interface. */
  readonly interfaceName: string;
  /** Tells whether a MAC is in the inventory. */
  readonly isKnown: (mac: Mac) => boolean;
}

/** Running totals. */
export interface AdvertiserCounters {
  /** Advertisements sent. */
  sent: number;
  /** Solicitations of strangers, and what was none. */
  ignored: number;
  /** Advertisements the kernel did not take. */
  failed: number;
}

/** The answering half of IPv6 router discovery. */
export class RouterAdvertiser {
  readonly counters: AdvertiserCounters = { sent: 0, ignored: 0, failed: 0 };
  readonly #options: AdvertiserOptions;
  readonly #socket: Icmpv6Socket;
  readonly #timer: NodeJS.Timeout;

  /**
   * Opens the socket.
   *
   * @param options - See {@link AdvertiserOptions}.
   * @throws {@link HuckError} When the kernel has no IPv6, forbids raw sockets, or lacks the
   * interface.
   */
  constructor(options: AdvertiserOptions) {
    this.#options = options;
    this.#socket = new Icmpv6Socket(options.interfaceName, ROUTER_SOLICITATION);
    this.#timer = setInterval(() => {
      this.#poll();
    }, POLL_MS);
  }

  /** Closes the socket. */
  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #poll(): void {
    for (let count = 0; count < ANSWERS_PER_POLL_MAX; count += 1) {
      const question = this.#socket.receive();
      if (question === undefined) return;
      const mac = tryRead(question.bytes);
      if (mac === undefined || !this.#options.isKnown(mac)) {
        this.counters.ignored += 1;
      } else if (this.#socket.send(writeAdvertisement(this.#socket.mac), question.from)) {
        this.counters.sent += 1;
      } else {
        this.counters.failed += 1;
      }
    }
  }
}

function tryRead(bytes: Uint8Array): Mac | undefined {
  try {
    return readSolicitation(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
