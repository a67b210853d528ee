/**
 * One TFTP transfer to one client, as a state machine (RFC 1350, 2347, 2348, 2349, 7440).
 *
 * Blocks are counted without wrapping; the 16-bit number on the wire is taken relative to the last
 * acknowledged block, so a file of any size works (the number rolls over to 0). An acknowledgement
 * inside the window means the rest of the window was lost: the next window begins right behind it.
 * A repeated acknowledgement never makes more data flow than was asked for: with one block a window
 * it is ignored (RFC 1123 4.2.3.1, the Sorcerer's Apprentice), with more it restarts the window
 * once. Before the first acknowledgement at most one datagram is sent per request and retry.
 */
import assert from "node:assert/strict";
import type { Millis } from "../../../shared/core/units.ts";
import { writeData, writeOptionAcknowledge } from "./message.ts";
import type { TftpMessage, TftpOptions } from "./message.ts";

/**
 * Largest block we agree to: an Ethernet frame without headers (1500 - 20 - 8 - 4), so nothing is
 * fragmented.
 */
const BLOCK_BYTES_MAX = 1468;
/**
 * Largest window we agree to: 16 x 1472 bytes fit every ROM's receive ring that asks for a window
 * at all.
 *
 * @internal A test looks at it.
 */
export const WINDOW_BLOCKS_MAX = 16;
/**
 * Times a window is sent again before the client is given up.
 *
 * @internal A test looks at it.
 */
export const RETRIES_MAX = 5;
/**
 * First wait for an acknowledgement; doubled per retry up to {@link TIMEOUT_MS_MAX}. Unit:
 * milliseconds.
 */
const TIMEOUT_MS = 1000;
/** Longest wait for an acknowledgement when the client did not choose. Unit: milliseconds. */
const TIMEOUT_MS_MAX = 4000;

/** How a transfer ended, or "running". `aborted`: the client said stop; `lost`: it fell silent. */
export type TransferState = "running" | "complete" | "aborted" | "lost";

/** Sends one file to one client. */
export class Transfer {
  readonly #content: Uint8Array;
  readonly #blockBytes: number;
  readonly #windowBlocks: number;
  readonly #fixedTimeoutMs: number | undefined;
  readonly #optionAcknowledge: Uint8Array | undefined;
  readonly #lastBlock: number;
  /** Last block acknowledged; -1 while the option acknowledgement is. */
  #acknowledged: number;
  #retries = 0;
  #restarted = false;
  #deadline: Millis = 0;
  #state: TransferState = "running";

  /**
   * @param content - The file; borrowed until the transfer ends.
   * @param options - What the client asked for.
   */
  constructor(content: Uint8Array, options: TftpOptions) {
    this.#content = content;
    this.#blockBytes = Math.min(options.blockBytes ?? 512, BLOCK_BYTES_MAX);
    this.#windowBlocks = Math.min(options.windowBlocks ?? 1, WINDOW_BLOCKS_MAX);
    const { timeoutSeconds } = options;
    this.#fixedTimeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
    // a file that fills its last block ends with an empty one
    this.#lastBlock = Math.floor(content.byteLength / this.#blockBytes) + 1;
    const accepted = this.#accepted(options);
    this.#optionAcknowledge = accepted.length > 0 ? writeOptionAcknowledge(accepted) : undefined;
    this.#acknowledged = this.#optionAcknowledge === undefined ? 0 : -1;
  }

  /** @returns How it ended, or that it runs. */
  get state(): TransferState {
    return this.#state;
  }

  /** @returns When {@link tick} has something to do. */
  get deadline(): Millis {
    return this.#deadline;
  }

  /**
   * @returns True until the client has acknowledged anything: a repeated request is then the same
   * one.
   */
  get isUnanswered(): boolean {
    return this.#acknowledged === (this.#optionAcknowledge === undefined ? 0 : -1);
  }

  /**
   * Gives the first datagram: the option acknowledgement, or block 1.
   *
   * @param now - Monotonic.
   * @returns What to send.
   */
  start(now: Millis): readonly Uint8Array[] {
    return this.#window(now);
  }

  /**
   * Takes a message from this transfer's client.
   *
   * @param message - Acknowledgement or error.
   * @param now - Monotonic.
   * @returns What to send now, in order.
   */
  receive(message: TftpMessage, now: Millis): readonly Uint8Array[] {
    if (this.#state !== "running" || message.kind === "read") return [];
    if (message.kind === "error") {
      this.#state = "aborted";
      return [];
    }
    return this.#acknowledge(message.block, now);
  }

  /**
   * Lets time pass: sends the window again, or gives the client up.
   *
   * @param now - Monotonic.
   * @returns What to send now, in order.
   */
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
    if (ahead > sent) return []; // an old one, or nonsense
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
