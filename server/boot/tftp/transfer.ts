/**
 * One TFTP transfer to one client, as a state machine (RFC 1350, 2347, 2348, 2349, 7440).
 *
 * Blocks are counted without wrapping. The 16-bit number on the wire is taken relative to the last
 * acknowledged block, so a file of any size works (the number rolls over to 0). An acknowledgement
 * inside the window means that the rest of the window was lost: the next window begins right after
 * the acknowledged block. A repeated acknowledgement never makes us send more than was asked for:
 * with a window of one block it is ignored (RFC 1123 4.2.3.1, the Sorcerer's Apprentice), with a
 * larger one it restarts the window once. Before the first acknowledgement we send at most one
 * datagram per request and retry.
 */
import assert from "node:assert/strict";
import type { Millis } from "../../../shared/core/units.ts";
import { writeData, writeOptionAcknowledge } from "./message.ts";
import type { TftpMessage, TftpOptions } from "./message.ts";

/** Largest block that we accept: an Ethernet frame without headers (1500 - 20 - 8 - 4). */
const BLOCK_BYTES_MAX = 1468;
/**
 * Largest window that we accept: 16 x 1472 bytes fit the receive ring of every ROM that asks for a
 * window at all.
 *
 * @internal A test uses it.
 */
export const WINDOW_BLOCKS_MAX = 16;
/**
 * How often a window is sent again before the client is given up.
 *
 * @internal A test uses it.
 */
export const RETRIES_MAX = 5;
/**
 * First wait for an acknowledgement; each retry doubles it, up to {@link TIMEOUT_MS_MAX}. Unit:
 * milliseconds.
 */
const TIMEOUT_MS = 1000;
/** Longest wait for an acknowledgement if the client chose none. Unit: milliseconds. */
const TIMEOUT_MS_MAX = 4000;

/** How a transfer ended. `aborted`: the client sent an error; `lost`: it fell silent. */
export type TransferState = "running" | "complete" | "aborted" | "lost";

/** Sends one file to one client. */
export class Transfer {
  readonly #content: Uint8Array;
  readonly #blockBytes: number;
  readonly #windowBlocks: number;
  readonly #fixedTimeoutMs: number | undefined;
  readonly #optionAcknowledge: Uint8Array | undefined;
  readonly #lastBlock: number;
  /** Last block acknowledged; -1 until the option acknowledgement is acknowledged. */
  #acknowledged: number;
  #retries = 0;
  #restarted = false;
  #deadline: Millis = 0;
  #state: TransferState = "running";

  /** @param content - The file; borrowed until the transfer ends. */
  constructor(content: Uint8Array, options: TftpOptions) {
    this.#content = content;
    this.#blockBytes = Math.min(options.blockBytes ?? 512, BLOCK_BYTES_MAX);
    this.#windowBlocks = Math.min(options.windowBlocks ?? 1, WINDOW_BLOCKS_MAX);
    const { timeoutSeconds } = options;
    this.#fixedTimeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
    // A file whose last block is full is followed by an empty block.
    this.#lastBlock = Math.floor(content.byteLength / this.#blockBytes) + 1;
    const accepted = this.#accepted(options);
    this.#optionAcknowledge = accepted.length > 0 ? writeOptionAcknowledge(accepted) : undefined;
    this.#acknowledged = this.#optionAcknowledge === undefined ? 0 : -1;
  }

  get state(): TransferState {
    return this.#state;
  }

  /** @returns When {@link tick} has something to do. */
  get deadline(): Millis {
    return this.#deadline;
  }

  /**
   * True until the client has acknowledged anything: until then, a request from it is a repetition
   * of the first one.
   */
  get isUnanswered(): boolean {
    return this.#acknowledged === (this.#optionAcknowledge === undefined ? 0 : -1);
  }

  /** Gives the first datagram: the option acknowledgement, or block 1. `now` is monotonic. */
  start(now: Millis): readonly Uint8Array[] {
    return this.#window(now);
  }

  /** Takes an acknowledgement or error from the client. Gives the datagrams to send, in order. */
  receive(message: TftpMessage, now: Millis): readonly Uint8Array[] {
    if (this.#state !== "running" || message.kind === "read") return [];
    if (message.kind === "error") {
      this.#state = "aborted";
      return [];
    }
    return this.#acknowledge(message.block, now);
  }

  /** Sends the window again if it is time, or gives the client up. Gives the datagrams to send. */
  tick(now: Millis): readonly Uint8Array[] {
    if (this.#state !== "running" || now < this.#deadline) return [];
    if (this.#retries === RETRIES_MAX) {
      this.#state = "lost";
      return [];
    }
    this.#retries += 1;
    this.#restarted = false;
    return this.#window(now);
  }

  #acknowledge(wireBlock: number, now: Millis): readonly Uint8Array[] {
    const before = this.#acknowledged;
    if (before < 0) {
      if (wireBlock !== 0) return [];
      return this.#advance(0, now);
    }
    const ahead = (wireBlock - before) & 0xffff;
    const sent = Math.min(before + this.#windowBlocks, this.#lastBlock) - before;
    if (ahead > sent) return []; // an old acknowledgement, or of a block never sent
    if (ahead > 0) return this.#advance(before + ahead, now);
    if (this.#windowBlocks === 1 || this.#restarted) return [];
    this.#restarted = true;
    return this.#window(now);
  }

  #advance(block: number, now: Millis): readonly Uint8Array[] {
    this.#acknowledged = block;
    this.#retries = 0;
    this.#restarted = false;
    if (block === this.#lastBlock) {
      this.#state = "complete";
      return [];
    }
    return this.#window(now);
  }

  #window(now: Millis): readonly Uint8Array[] {
    const backOff = Math.min(TIMEOUT_MS * 2 ** this.#retries, TIMEOUT_MS_MAX);
    this.#deadline = now + (this.#fixedTimeoutMs ?? backOff);
    if (this.#acknowledged < 0) {
      assert(this.#optionAcknowledge !== undefined);
      return [this.#optionAcknowledge];
    }
    const end = Math.min(this.#acknowledged + this.#windowBlocks, this.#lastBlock);
    const datagrams: Uint8Array[] = [];
    for (let block = this.#acknowledged + 1; block <= end; block += 1) {
      const start = (block - 1) * this.#blockBytes;
      const content = this.#content.subarray(start, start + this.#blockBytes);
      datagrams.push(writeData(block & 0xffff, content));
    }
    return datagrams;
  }

  #accepted(options: TftpOptions): readonly (readonly [string, number])[] {
    const accepted: (readonly [string, number])[] = [];
    if (options.wantsSize) accepted.push(["tsize", this.#content.byteLength]);
    if (options.blockBytes !== undefined) accepted.push(["blksize", this.#blockBytes]);
    if (options.timeoutSeconds !== undefined) accepted.push(["timeout", options.timeoutSeconds]);
    if (options.windowBlocks !== undefined) accepted.push(["windowsize", this.#windowBlocks]);
    return accepted;
  }
}
