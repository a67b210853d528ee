/**
 * The two sockets of the DHCP server: port 67 on the lab interface, port 4011 on the lab address.
 *
 * The engine makes all decisions. Port 67 is bound to the interface and to every address: bound to
 * one address it would miss the broadcasts of nodes that have none, and without the interface it
 * would hear other networks. Answers that the kernel refuses to send are only counted: the client
 * asks again.
 */
import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { closeSync } from "node:fs";
import { NO_ADDRESS } from "../addresses.ts";
import type { Ipv4, Mac } from "../addresses.ts";
import { openBroadcastSocket } from "../interface-sockets.io.ts";
import { bound, portError } from "../bind-port.io.ts";
import type { BootQuestion } from "../askers.ts";
import type { BootEvent } from "../progress.ts";
import type { BootNetwork } from "../boot-network.ts";
import type { BootTable } from "../boot-table.ts";
import { BOOT_SERVER_PORT, DhcpEngine, SERVER_PORT } from "./engine.ts";
import type { DhcpDecision, DhcpOutcome, DhcpRequest } from "./engine.ts";

export interface DhcpListenerOptions {
  /** Kernel name of the lab interface. */
  readonly interfaceName: string;
  readonly network: BootNetwork;
  /** Gives the table in force. */
  readonly table: () => BootTable;
  /** Called for every step of a node's boot. */
  readonly event: (event: BootEvent) => void;
  /** Called for each datagram with what was done. */
  readonly asked: (ask: BootQuestion) => void;
  /** Called with the address that a node uses now. */
  readonly seen: (address: Ipv4, mac: Mac) => void;
}

/** Counts datagrams by their outcome, and answers that the kernel refused to send. */
export type DhcpCounters = Partial<Record<DhcpOutcome | "not_sent", number>>;

/** The DHCP and proxyDHCP server. */
export class DhcpListener {
  readonly counters: DhcpCounters = {};
  readonly #options: DhcpListenerOptions;
  readonly #sockets: readonly Socket[];
  readonly #engine: DhcpEngine;

  private constructor(options: DhcpListenerOptions, server: Socket, bootServer: Socket) {
    this.#options = options;
    this.#engine = new DhcpEngine(options.network, performance.now());
    this.#sockets = [server, bootServer];
    roomFor(server);
    this.#serve(server, SERVER_PORT);
    this.#serve(bootServer, BOOT_SERVER_PORT);
  }

  /**
   * @throws {@link SituationError} `port_taken`, `port_forbidden`, `no_address`, `no_interface`.
   */
  static async open(options: DhcpListenerOptions): Promise<DhcpListener> {
    const server = await openServerPort(options.interfaceName);
    const bootServer = createSocket("udp4");
    try {
      const address = options.network.serverAddress;
      await bound(bootServer, { port: BOOT_SERVER_PORT, address }, "proxyDHCP");
    } catch (error) {
      server.close();
      throw error;
    }
    return new DhcpListener(options, server, bootServer);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #serve(socket: Socket, port: DhcpRequest["port"]): void {
    socket.on("message", (bytes, remote) => {
      this.#receive(socket, { bytes, port, remote: endpointOf(remote) });
    });
    socket.on("error", () => {
      this.#count("not_sent");
    });
  }

  #receive(socket: Socket, request: DhcpRequest): void {
    const decision = this.#engine.decide(request, this.#options.table(), performance.now());
    const { answer, event, outcome, address } = decision;
    this.#count(outcome);
    this.#tellAsked(decision, request.remote.address);
    if (answer !== undefined) {
      socket.send(answer.bytes, answer.to.port, answer.to.address, (error) => {
        if (error !== null) this.#count("not_sent");
      });
    }
    if (event === undefined) return;
    if (address !== undefined) this.#options.seen(address, event.mac);
    this.#options.event(event);
  }

  /** What is over a limit is only counted: a flood must not fill the list of those who asked. */
  #tellAsked({ outcome, mac, asks = "" }: DhcpDecision, remote: Ipv4): void {
    if (outcome === "strangers_limited") return;
    const ask = { via: "dhcp", what: asks, outcome } as const;
    const address = remote === NO_ADDRESS ? {} : { address: remote };
    this.#options.asked(mac === undefined ? { ...ask, ...address } : { ...ask, ...address, mac });
  }

  #count(what: keyof DhcpCounters): void {
    this.counters[what] = (this.counters[what] ?? 0) + 1;
  }
}

/** A flood fills the socket while the server does something else; nodes must fit beside it. */
function roomFor(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BYTES);
  } catch {
    // the kernel's default stays
  }
}

const RECEIVE_BYTES = 4 << 20;

async function openServerPort(interfaceName: string): Promise<Socket> {
  let fd: number;
  try {
    fd = openBroadcastSocket(interfaceName, SERVER_PORT);
  } catch (error) {
    throw portError("DHCP", `"${interfaceName}" port ${SERVER_PORT}`, error);
  }
  const socket = createSocket("udp4");
  try {
    await bound(socket, { fd }, "DHCP");
    return socket;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function endpointOf(remote: RemoteInfo): DhcpRequest["remote"] {
  return { address: remote.address, port: remote.port };
}
