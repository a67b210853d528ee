/**
 * Answers router solicitations, but only of nodes in the inventory.
 *
 * An advertisement to the whole link would give every host of a site a new prefix and set off its
 * RA guard. So an answer goes only to the node that asked, known by the MAC in its solicitation.
 * The event loop cannot watch raw sockets, so the socket is polled: a node waits {@link POLL_MS}
 * and not 16 s. If this host has no IPv6, booting still works, only slower.
 */
import { FormatError } from "../../../shared/core/errors.ts";
import type { Mac } from "../addresses.ts";
import { Icmpv6Socket } from "../interface-sockets.io.ts";
import type { SocketAddress6 } from "../interface-sockets.io.ts";
import { ROUTER_SOLICITATION, readSolicitation, writeAdvertisement } from "./message.ts";

/** Time between two looks at the socket. Unit: milliseconds. */
const POLL_MS = 50;
/** Most solicitations answered per look: 320 per second. */
const ANSWERS_PER_POLL_MAX = 16;

export interface AdvertiserOptions {
  /** Kernel name of the lab interface. */
  readonly interfaceName: string;
  /** Whether a MAC is in the inventory. */
  readonly isKnown: (mac: Mac) => boolean;
  /** Called for each solicitation that has a MAC. */
  readonly asked: (mac: Mac, outcome: "answered" | "unknown_node" | "not_sent") => void;
}

/** Running totals. */
export interface AdvertiserCounters {
  /** Advertisements sent. */
  sent: number;
  /** Solicitations from strangers, and messages that are none. */
  ignored: number;
  /** Advertisements that the kernel refused to send. */
  failed: number;
}

export class RouterAdvertiser {
  readonly counters: AdvertiserCounters = { sent: 0, ignored: 0, failed: 0 };
  readonly #options: AdvertiserOptions;
  readonly #socket: Icmpv6Socket;
  readonly #timer: NodeJS.Timeout;

  /**
   * @throws {@link HuckError} If the kernel has no IPv6 or forbids raw sockets, or if there is no
   *   such interface.
   */
  constructor(options: AdvertiserOptions) {
    this.#options = options;
    this.#socket = new Icmpv6Socket(options.interfaceName, ROUTER_SOLICITATION);
    this.#timer = setInterval(() => {
      this.#poll();
    }, POLL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #poll(): void {
    for (let count = 0; count < ANSWERS_PER_POLL_MAX; count += 1) {
      const question = this.#socket.receive();
      if (question === undefined) return;
      const mac = tryRead(question.bytes);
      if (mac === undefined) {
        this.counters.ignored += 1;
        continue;
      }
      const outcome = this.#answer(mac, question.from);
      this.#options.asked(mac, outcome);
    }
  }

  #answer(mac: Mac, from: SocketAddress6): "answered" | "unknown_node" | "not_sent" {
    if (!this.#options.isKnown(mac)) {
      this.counters.ignored += 1;
      return "unknown_node";
    }
    if (this.#socket.send(writeAdvertisement(this.#socket.mac), from)) {
      this.counters.sent += 1;
      return "answered";
    }
    this.counters.failed += 1;
    return "not_sent";
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
