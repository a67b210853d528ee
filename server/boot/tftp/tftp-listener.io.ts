/**
 * The sockets of the TFTP server: port 69 for requests, and one socket per transfer (its port is
 * the transfer's id, RFC 1350 4).
 *
 * Every socket is bound to the lab address, so an answer comes from the address that was asked;
 * boot ROMs drop others. Only the lab subnet is served. Errors are sent from port 69 itself, so a
 * flood of bad requests opens no sockets.
 *
 * A client is an address and a port, and has one transfer. If the same request comes again, its
 * transfer begins anew; another request from there means that the client has forgotten the old
 * transfer, which ends. A flood costs the one who floods: each address has a rate and a number of
 * transfers, and when there are too many, the oldest one gives way that was never acknowledged.
 */
import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { FormatError } from "../../../shared/core/errors.ts";
import { KeyedBuckets } from "../../../shared/core/token-bucket.ts";
import { inSubnet } from "../addresses.ts";
import type { Ipv4 } from "../addresses.ts";
import { bound } from "../bind-port.io.ts";
import { Clients } from "./clients.ts";
import { TftpError, readTftp, writeError } from "./message.ts";
import type { TftpMessage } from "./message.ts";
import { Transfer } from "./transfer.ts";
import type { TransferState } from "./transfer.ts";

/** UDP port of TFTP. */
const TFTP_PORT = 69;
/** How often we look for transfers that have waited too long. Unit: milliseconds. */
const TICK_MS = 250;
/** Requests of one address: GRUB fetches some 100 small files in a row. */
const REQUESTS_PER_SECOND = 16;
const REQUESTS_BURST = 128;
/** Most addresses whose rate is remembered. */
const ADDRESSES_MAX = 4096;

export interface TftpListenerOptions {
  /** Lab address to bind to. */
  readonly address: Ipv4;
  /** Mask of the subnet that is served. */
  readonly netmask: Ipv4;
  /** Gives the longest IP datagram of the interface, in bytes. */
  readonly mtu: () => number;
  /**
   * Gives the bytes of a file for the node at an address.
   *
   * @returns Undefined if there is no such file. Never rejects.
   */
  readonly content: (path: string, remote: Ipv4) => Promise<Uint8Array | undefined>;
  /** Called for each datagram at the request port with what was done. */
  readonly asked: (remote: Ipv4, what: string, outcome: TftpOutcome) => void;
  /** Called with how a transfer ended. */
  readonly ended: (file: string, remote: Ipv4, state: TransferState) => void;
}

/** What was done with a datagram, and how transfers ended; there is a counter for each. */
export type TftpOutcome =
  | "started"
  | "started_again"
  | "not_found"
  | "write_refused"
  | "mode_refused"
  | "rate_limited"
  | "busy"
  | "foreign_address"
  | "malformed"
  | "not_a_request"
  | "stray"
  | "not_sent"
  | "replaced"
  | "gave_way"
  | Exclude<TransferState, "running">;

/** Running totals of the TFTP server. */
export type TftpCounters = Partial<Record<TftpOutcome, number>>;

export class TftpListener {
  readonly counters: TftpCounters = {};
  readonly #options: TftpListenerOptions;
  readonly #socket: Socket;
  readonly #clients = new Clients<Client>();
  readonly #rate = new KeyedBuckets(REQUESTS_PER_SECOND, REQUESTS_BURST, ADDRESSES_MAX);
  readonly #timer: NodeJS.Timeout;

  /** @param socket - Bound to the port that takes requests; the listener closes it. */
  constructor(options: TftpListenerOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
    socket.on("message", (bytes, remote) => {
      const { what, outcome } = this.#request(bytes, remote);
      this.#count(outcome);
      // What has started is told when its file was found, or was not.
      if (outcome !== "started") this.#options.asked(remote.address, what, outcome);
    });
    socket.on("error", () => {
      this.#count("not_sent");
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
    for (const client of this.#clients.takeAll()) client.running?.socket.close();
  }

  #request(bytes: Uint8Array, remote: RemoteInfo): { what: string; outcome: TftpOutcome } {
    const { address, netmask } = this.#options;
    const message = remote.port === 0 ? undefined : tryRead(bytes);
    if (message === undefined) return { what: "", outcome: "malformed" };
    if (!inSubnet(remote.address, address, netmask))
      return { what: "", outcome: "foreign_address" };
    if (message.kind !== "read" && message.kind !== "write") {
      return { what: message.kind, outcome: "not_a_request" };
    }
    const what = message.file;
    if (!this.#rate.take(remote.address, performance.now()))
      return { what, outcome: "rate_limited" };
    if (message.kind === "write") {
      this.#refuse(remote, TftpError.accessViolation, "files can only be read");
      return { what, outcome: "write_refused" };
    }
    if (message.mode !== "octet") {
      this.#refuse(remote, TftpError.other, "only mode octet (binary) is served");
      return { what, outcome: "mode_refused" };
    }
    return { what, outcome: this.#read(message, bytes, remote) };
  }

  #read(message: ReadRequest, bytes: Uint8Array, remote: RemoteInfo): TftpOutcome {
    const key = `${remote.address}:${remote.port}`;
    const words = Buffer.from(bytes).toString("latin1");
    const known = this.#clients.get(key);
    if (known?.words === words) {
      const { running } = known;
      if (running !== undefined) {
        this.#send(known, running.transfer.startAgain(performance.now()));
      }
      return "started_again"; // or will be started as soon as its file was read
    }
    if (known !== undefined) this.#end(known, "replaced");
    const victim = this.#clients.makeRoom(remote.address);
    if (victim === "refused") {
      this.#refuse(remote, TftpError.other, "too many transfers, ask again");
      return "busy";
    }
    if (victim !== undefined) this.#end(victim, "gave_way");
    const client: Client = { key, words, file: message.file, remote, running: undefined };
    this.#clients.add(client);
    void this.#begin(client, message);
    return "started";
  }

  async #begin(client: Client, message: ReadRequest): Promise<void> {
    const { remote, key } = client;
    const content = await this.#options.content(message.file, remote.address);
    if (this.#clients.get(key) !== client) return; // closed or replaced meanwhile
    if (content === undefined) {
      this.#clients.remove(client);
      this.#count("not_found");
      this.#options.asked(remote.address, message.file, "not_found");
      this.#refuse(remote, TftpError.fileNotFound, "not published");
      return;
    }
    this.#options.asked(remote.address, message.file, "started");
    const socket = createSocket("udp4");
    const transfer = new Transfer(content, message.options, this.#options.mtu());
    client.running = { socket, transfer };
    socket.on("message", (bytes, from) => {
      this.#receive(client, bytes, from);
    });
    socket.on("error", () => {
      this.#end(client, "lost"); // no route or no descriptor left: ends this transfer only
    });
    socket.bind({ port: 0, address: this.#options.address }, () => {
      this.#send(client, transfer.start(performance.now()));
    });
  }

  #receive(client: Client, bytes: Uint8Array, from: RemoteInfo): void {
    const { remote, running } = client;
    const message = tryRead(bytes);
    const isOurs = from.address === remote.address && from.port === remote.port;
    if (message === undefined || running === undefined || !isOurs) {
      this.#count("stray");
      return;
    }
    const { transfer } = running;
    this.#send(client, transfer.receive(message, performance.now()));
    if (transfer.state !== "running") this.#end(client, transfer.state);
  }

  #tick(): void {
    const now = performance.now();
    for (const client of this.#clients.all()) {
      const { running } = client;
      if (running === undefined || running.transfer.deadline > now) continue;
      this.#send(client, running.transfer.tick(now));
      if (running.transfer.state !== "running") this.#end(client, running.transfer.state);
    }
  }

  #send(client: Client, datagrams: readonly Uint8Array[]): void {
    if (this.#clients.get(client.key) !== client) return;
    const { running, remote } = client;
    for (const bytes of datagrams) running?.socket.send(bytes, remote.port, remote.address);
  }

  #refuse({ port, address }: RemoteInfo, code: number, text: string): void {
    this.#socket.send(writeError(code, text), port, address);
  }

  #end(client: Client, how: TransferEnd): void {
    if (!this.#clients.remove(client)) return;
    client.running?.socket.close();
    this.#count(how);
    const state = how === "replaced" || how === "gave_way" ? "aborted" : how;
    this.#options.ended(client.file, client.remote.address, state);
  }

  #count(what: TftpOutcome): void {
    this.counters[what] = (this.counters[what] ?? 0) + 1;
  }
}

type ReadRequest = Extract<TftpMessage, { kind: "read" }>;
type TransferEnd = Exclude<TransferState, "running"> | "replaced" | "gave_way";

/** An address and port that asked, with the transfer; undefined while its file is being read. */
interface Client {
  readonly key: string;
  /** The bytes of its request. */
  readonly words: string;
  readonly file: string;
  readonly remote: RemoteInfo;
  running: { readonly socket: Socket; readonly transfer: Transfer } | undefined;
}

function tryRead(bytes: Uint8Array): TftpMessage | undefined {
  try {
    return readTftp(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
