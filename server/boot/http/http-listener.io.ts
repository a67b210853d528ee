/**
 * The boot file server: serves the files of the tree (file-tree.ts) by HTTP.
 *
 * It knows GET and HEAD with Content-Length and one range, which is all that firmware and iPXE use
 * (UEFI HTTP boot refuses an answer without Content-Length). It listens on the lab address only and
 * answers the lab subnet only. A script is written for each GET, with a token minted for that boot;
 * HEAD of a script is refused, so it mints nothing. Files are streamed from disk. A range of a file
 * is given only if the client has the rest of that very file (If-Range, RFC 9110 13.1.5).
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { codeOf } from "../../../shared/core/errors.ts";
import type { Ipv4 } from "../addresses.ts";
import { inSubnet } from "../addresses.ts";
import { openAsset } from "../asset-file.io.ts";
import type { BootAsset } from "../assets.ts";
import { listening } from "../bind-port.io.ts";
import type { NodeScript, TreeFile } from "../file-tree.ts";
import { ConnectionGuard } from "./connection-guard.io.ts";
import type { GuardCounters } from "./connection-guard.io.ts";
import { parseRange, pathOf } from "./range.ts";

/** Most connections at once: two for each node of a full room. */
const CONNECTIONS_MAX = 1024;
/** Longest silence on a connection. Unit: milliseconds. */
const SILENCE_MS_MAX = 30_000;
/** Firmware sends its request at once. Unit: milliseconds. */
const REQUEST_MS = 10_000;
/** How long a file may take: this, and more for each byte. Unit: milliseconds. */
const ANSWER_MS = 60_000;
/** A thousand nodes that fetch at once have more than this each. Unit: bytes per millisecond. */
const ANSWER_BYTES_PER_MS = 32;
/** Headers are bounded by 4 kB each; this many may be on their way at once. */
const UNFINISHED_BYTES_MAX = 8 << 20;

export interface HttpListenerOptions {
  /** Lab address to listen on. */
  readonly address: Ipv4;
  /** Mask of the subnet that is served. */
  readonly netmask: Ipv4;
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /** Looks a path up for the node at an address; undefined: there is no such file. */
  readonly find: (path: string, remote: Ipv4) => TreeFile | undefined;
  /** Writes a script of the tree for the node at an address. */
  readonly write: (script: NodeScript, remote: Ipv4) => Promise<string>;
  /** Called for each request with what was done. */
  readonly asked: (remote: Ipv4, what: string, outcome: HttpOutcome) => void;
  /** Called when a file was sent to its end. */
  readonly sent: (asset: BootAsset, remote: Ipv4) => void;
  /** Called for an error that is ours or the disk's; the client got status 500. */
  readonly failed: (target: string, error: unknown) => void;
}

/** What was done with a request; there is a counter for each. */
export type HttpOutcome =
  | "file"
  | "script"
  | "not_found"
  | "foreign_address"
  | "bad_method"
  | "bad_range"
  | "departed"
  | "failed";

/** Running totals of the boot file server. */
export type BootHttpCounters = Partial<Record<HttpOutcome, number>> & GuardCounters;

export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #server: Server;
  readonly #guard: ConnectionGuard;
  readonly #outcomes: Partial<Record<HttpOutcome, number>> = {};

  private constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#server = createServer(
      { requestTimeout: SILENCE_MS_MAX, headersTimeout: SILENCE_MS_MAX, maxHeaderSize: 4096 },
      (request, response) => {
        void this.#handle(request, response);
      },
    );
    this.#guard = new ConnectionGuard(this.#server, {
      connectionsMax: CONNECTIONS_MAX,
      requestMs: REQUEST_MS,
      answerMs: ANSWER_MS,
      unfinishedBytesMax: UNFINISHED_BYTES_MAX,
    });
    this.#server.setTimeout(SILENCE_MS_MAX);
  }

  /** @throws {@link SituationError} `port_taken`, `port_forbidden`, `no_address`. */
  static async open(options: HttpListenerOptions): Promise<HttpListener> {
    const listener = new HttpListener(options);
    await listening(listener.#server, options.address, options.port);
    return listener;
  }

  get counters(): BootHttpCounters {
    return { ...this.#outcomes, ...this.#guard.counters };
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.socket.destroyed) return; // the guard has closed it
    const target = pathOf(request.url ?? "");
    const remote = request.socket.remoteAddress ?? "";
    const outcome = await this.#outcomeOf(target, request, response);
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    if (remote !== "") this.#options.asked(remote, target, outcome);
  }

  async #outcomeOf(
    target: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<HttpOutcome> {
    try {
      return await this.#answer(target, request, response);
    } catch (error) {
      if (isDeparture(error)) return "departed"; // switched off, or closed the connection: normal
      this.#options.failed(target, error);
      if (!response.headersSent) empty(response, 500);
      else response.destroy();
      return "failed";
    }
  }

  async #answer(
    target: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<HttpOutcome> {
    const remote = request.socket.remoteAddress ?? "";
    const { address, netmask, find, write } = this.#options;
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      empty(response, 405);
      return "bad_method";
    }
    const isNear = remote !== "" && inSubnet(remote, address, netmask);
    const found = isNear ? find(target, remote) : undefined;
    if (found?.kind === "asset") return await this.#file(found.asset, request, response);
    if (found === undefined || request.method === "HEAD") {
      empty(response, found === undefined ? 404 : 405);
      if (found !== undefined) return "bad_method";
      return isNear ? "not_found" : "foreign_address";
    }
    const text = await write(found, remote);
    response.setHeader("Content-Type", "text/plain");
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("Content-Length", Buffer.byteLength(text));
    response.end(text);
    return "script";
  }

  async #file(
    asset: BootAsset,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<HttpOutcome> {
    const { file, modifiedMs } = await openAsset(asset);
    try {
      const size = asset.sizeBytes;
      const tag = `"${size.toString(16)}-${Math.floor(modifiedMs * 1000).toString(16)}"`;
      const condition = request.headers["if-range"] ?? tag;
      const range = parseRange(condition === tag ? request.headers.range : undefined, size);
      response.setHeader("Accept-Ranges", "bytes");
      response.setHeader("ETag", tag);
      if (range === "unsatisfiable") {
        response.setHeader("Content-Range", `bytes */${size}`);
        empty(response, 416);
        return "bad_range";
      }
      const { start, end } = range === "whole" ? { start: 0, end: size } : range;
      response.statusCode = range === "whole" ? 200 : 206;
      if (range !== "whole") {
        response.setHeader("Content-Range", `bytes ${start}-${end - 1}/${size}`);
      }
      response.setHeader("Content-Type", "application/octet-stream");
      response.setHeader("Content-Length", end - start);
      if (request.method === "HEAD" || start === end) {
        response.end();
        return "file";
      }
      this.#guard.allow(request.socket, ANSWER_MS + (end - start) / ANSWER_BYTES_PER_MS);
      const bytes = file.createReadStream({ start, end: end - 1, autoClose: false });
      await pipeline(bytes, response);
      if (end === size) this.#options.sent(asset, request.socket.remoteAddress ?? "");
      return "file";
    } finally {
      await file.close();
    }
  }
}

function empty(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.setHeader("Content-Length", 0);
  response.end();
}

function isDeparture(error: unknown): boolean {
  const code = codeOf(error) ?? "";
  return ["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"].includes(code);
}
