/**
 * The sockets of the TFTP server: port 69 for requests, and one socket per transfer (its port is
 * the transfer's id, RFC 1350 4).
 *
 * Every socket is bound to the lab address, so an answer comes from the address that was asked;
 * boot ROMs drop others. Only the lab subnet is served. Errors are sent from port 69 itself, so a
 * flood of bad requests opens no sockets.
 */
import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { FormatError } from "../../../shared/core/errors.ts";
import { inSubnet } from "../addresses.ts";
import type { Ipv4 } from "../addresses.ts";
import { bound } from "../bind-port.io.ts";
import { FILE_NOT_FOUND, readTftp, writeError } from "./message.ts";
import type { TftpMessage } from "./message.ts";
import { Transfer } from "./transfer.ts";
import type { TransferState } from "./transfer.ts";

/** UDP port of TFTP. */
const TFTP_PORT = 69;
/** Most transfers at once. */
const TRANSFERS_MAX = 256;
/** How often we look for transfers that have waited too long. Unit: milliseconds. */
const TICK_MS = 250;

export interface TftpListenerOptions {
  /** Lab address to bind to. */
  readonly address: Ipv4;
  /** Mask of the subnet that is served. */
  readonly netmask: Ipv4;
  /**
   * Gives the bytes of a file for the node at an address.
   *
   * @returns Undefined if there is no such file. Never rejects.
   */
  readonly content: (path: string, remote: Ipv4) => Promise<Uint8Array | undefined>;
  /** Called with how a transfer ended. */
  readonly ended: (file: string, remote: Ipv4, state: TransferState) => void;
}

/** Running totals of the TFTP server. */
export interface TftpCounters {
  /** Transfers begun. */
  started: number;
  /** Requests for names that are not published. */
  notFound: number;
  /** Datagrams that were not TFTP, or came from outside the subnet. */
  dropped: number;
  /** Requests beyond {@link TRANSFERS_MAX}. */
  refused: number;
}

export class TftpListener {
  readonly counters: TftpCounters = { started: 0, notFound: 0, dropped: 0, refused: 0 };
  readonly #options: TftpListenerOptions;
  readonly #socket: Socket;
  /** Transfers by the client's "address:port"; undefined while the file is being read. */
  readonly #transfers = new Map<string, Running | undefined>();
  readonly #timer: NodeJS.Timeout;

  /** @param socket - Bound to the port that takes requests; the listener closes it. */
  constructor(options: TftpListenerOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
    socket.on("message", (bytes, remote) => {
      this.#request(bytes, remote);
    });
  }

  /**
   * Listens on port 69.
   *
   * @throws {@link SituationError} `port_taken`, `port_forbidden`, `no_address`.
   */
  static async open(options: TftpListenerOptions): Promise<TftpListener> {
    const socket = createSocket("udp4");
    await bound(socket, { port: TFTP_PORT, address: options.address }, "TFTP");
    return new TftpListener(options, socket);
  }

  /** Ends all transfers and closes every socket. */
  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
    for (const running of this.#transfers.values()) running?.socket.close();
    this.#transfers.clear();
  }

  #request(bytes: Uint8Array, remote: RemoteInfo): void {
    const { address, netmask } = this.#options;
    const message = remote.port === 0 ? undefined : tryRead(bytes);
    if (message?.kind !== "read" || !inSubnet(remote.address, address, netmask)) {
      this.counters.dropped += 1;
      return;
    }
    const key = `${remote.address}:${remote.port}`;
    const running = this.#transfers.get(key);
    if (running?.transfer.isUnanswered === true) {
      this.#send(running, running.transfer.start(performance.now())); // our first answer was lost
    } else if (this.#transfers.size >= TRANSFERS_MAX) {
      this.counters.refused += 1;
    } else if (!this.#transfers.has(key)) {
      this.#transfers.set(key, undefined);
      void this.#begin(message, remote, key);
    }
  }

  async #begin(message: ReadRequest, remote: RemoteInfo, key: string): Promise<void> {
    const content = await this.#options.content(message.file, remote.address);
    if (!this.#transfers.has(key)) return; // closed meanwhile
    if (content === undefined) {
      this.counters.notFound += 1;
      this.#transfers.delete(key);
      this.#socket.send(writeError(FILE_NOT_FOUND, "not published"), remote.port, remote.address);
      return;
    }
    const socket = createSocket("udp4");
    const transfer = new Transfer(content, message.options);
    const running: Running = { key, file: message.file, remote, socket, transfer };
    this.#transfers.set(key, running);
    this.counters.started += 1;
    socket.on("message", (bytes, from) => {
      this.#receive(running, bytes, from);
    });
    socket.on("error", () => {
      this.#end(running, "lost"); // no route or no descriptor left: ends this transfer only
    });
    socket.bind({ port: 0, address: this.#options.address }, () => {
      this.#send(running, transfer.start(performance.now()));
    });
  }

  #receive(running: Running, bytes: Uint8Array, from: RemoteInfo): void {
    const { remote, transfer } = running;
    const message = tryRead(bytes);
    if (message === undefined || from.address !== remote.address || from.port !== remote.port) {
      this.counters.dropped += 1;
      return;
    }
    this.#send(running, transfer.receive(message, performance.now()));
    if (transfer.state !== "running") this.#end(running, transfer.state);
  }

  #tick(): void {
    const now = performance.now();
    for (const running of this.#transfers.values()) {
      if (running === undefined || running.transfer.deadline > now) continue;
      this.#send(running, running.transfer.tick(now));
      if (running.transfer.state !== "running") this.#end(running, running.transfer.state);
    }
  }

  #send(running: Running, datagrams: readonly Uint8Array[]): void {
    if (this.#transfers.get(running.key) !== running) return;
    for (const bytes of datagrams)
      running.socket.send(bytes, running.remote.port, running.remote.address);
  }

  #end(running: Running, state: TransferState): void {
    if (this.#transfers.get(running.key) !== running) return;
    this.#transfers.delete(running.key);
    running.socket.close();
    this.#options.ended(running.file, running.remote.address, state);
  }
}

type ReadRequest = Extract<TftpMessage, { kind: "read" }>;

interface Running {
  readonly key: string;
  readonly file: string;
  readonly remote: RemoteInfo;
  readonly socket: Socket;
  readonly transfer: Transfer;
}

function tryRead(bytes: Uint8Array): TftpMessage | undefined {
  try {
    return readTftp(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
