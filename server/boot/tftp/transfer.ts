/**
 * One TFTP transfer to one client, as a state machine (RFC 1350, 2347, 2348, 2349, 7440).
 *
 * Blocks are counted without wrapping. The 16-bit number on the wire is taken relative to the last
 * acknowledged block, so a file of any size works (the number rolls over to 0). An acknowledgement
 * inside the window means that the rest of the window was lost: the next window begins right after
 * the acknowledged block.
 *
 * What the client says never multiplies. Some clients acknowledge every datagram that they did not
 * expect (EDK2), or every block of a window. So a repeated acknowledgement is ignored in lock step
 * (RFC 1123 4.2.3.1, the Sorcerer's Apprentice), and with a larger window while it can be the echo
 * of blocks that were sent twice. And each block that is sent again without a timeout costs credit,
 * which only blocks that arrive give back: over a whole transfer at most a quarter of the blocks
 * and {@link CREDIT_WINDOWS} windows. Before the first acknowledgement we send one datagram per
 * request and retry, for {@link UNANSWERED_MS_MAX} at most.
 */
import assert from "node:assert/strict";
import type { Millis } from "../../../shared/core/units.ts";
import { writeData, writeOptionAcknowledge } from "./message.ts";
import type { TftpMessage, TftpOptions } from "./message.ts";

/** Largest block that we accept, also on an interface with jumbo frames. */
const BLOCK_BYTES_MAX = 1468;
/** Headers of IPv4, UDP and TFTP before a block. */
const HEADER_BYTES = 20 + 8 + 4;
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

/**
 * Longest wait that a client may choose; the option is left out of the answer above it (RFC 2349),
 * so that no client can hold a transfer for long by saying nothing. Unit: seconds.
 */
const TIMEOUT_SECONDS_MAX = 8;
/** How long a client may take for its first acknowledgement. Unit: milliseconds. */
const UNANSWERED_MS_MAX = 10_000;
/** How long a whole transfer may take: this, and more for each block. Unit: milliseconds. */
const TRANSFER_MS = 60_000;
const TRANSFER_MS_PER_BLOCK = 100;
/** What may be sent again without a timeout at the beginning, and at most. Unit: windows. */
const CREDIT_WINDOWS = 4;
/** Credit for each block that arrived. Unit: blocks. */
const CREDIT_PER_BLOCK = 1 / 4;

/**
 * How a transfer ended. `aborted`: the client sent an error; `lost`: it fell silent; `expired`: it
 * took too long.
 */
export type TransferState = "running" | "complete" | "aborted" | "lost" | "expired";

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
  /** Last block of the window that was sent last. */
  #sentTo = 0;
  /** Acknowledgements up to this block may be echoes of blocks that were sent twice. */
  #echoesTo = -1;
  /** Where the client was when its request came again; -1: there is nothing to return to. */
  #returnTo = -1;
  #credit: number;
  #retries = 0;
  #deadline: Millis = 0;
  #endBy: Millis | undefined;
  #state: TransferState = "running";

  /**
   * @param content - The file; borrowed until the transfer ends.
   * @param mtu - Longest IP datagram of the interface. Unit: bytes.
   */
  constructor(content: Uint8Array, options: TftpOptions, mtu: number) {
    this.#content = content;
    const blockBytesMax = Math.max(8, Math.min(BLOCK_BYTES_MAX, mtu - HEADER_BYTES));
    this.#blockBytes = Math.min(options.blockBytes ?? 512, blockBytesMax);
    this.#windowBlocks = Math.min(options.windowBlocks ?? 1, WINDOW_BLOCKS_MAX);
    this.#credit = CREDIT_WINDOWS * this.#windowBlocks;
    const { timeoutSeconds = Infinity } = options;
    this.#fixedTimeoutMs =
      timeoutSeconds <= TIMEOUT_SECONDS_MAX ? timeoutSeconds * 1000 : undefined;
    // A file whose last block is full is followed by an empty block.
    this.#lastBlock = Math.floor(content.byteLength / this.#blockBytes) + 1;
    const accepted = this.#accepted(options);
    this.#optionAcknowledge = accepted.length > 0 ? writeOptionAcknowledge(accepted) : undefined;
    this.#acknowledged = this.#firstBlock;
  }

  get state(): TransferState {
    return this.#state;
  }

  /** @returns When {@link tick} has something to do. */
  get deadline(): Millis {
    return Math.min(this.#deadline, this.#endBy ?? Infinity);
  }

  /**
   * True until the client has acknowledged anything: until then, a request from it is a repetition
   * of the first one.
   */
  get isUnanswered(): boolean {
    return this.#acknowledged === this.#firstBlock;
  }

  /** Gives the first datagram: the option acknowledgement, or block 1. `now` is monotonic. */
  start(now: Millis): readonly Uint8Array[] {
    this.#endBy ??= now + UNANSWERED_MS_MAX;
    return this.#window(now);
  }

  /**
   * The same request came again from the same port. Either our first answer was lost, or the client
   * was reset: both begin anew. If the network has doubled the request, the client goes on where it
   * was, and so do we.
   */
  startAgain(now: Millis): readonly Uint8Array[] {
    if (this.#acknowledged > this.#windowBlocks) this.#returnTo = this.#acknowledged;
    this.#acknowledged = this.#firstBlock;
    this.#sentTo = 0;
    return this.start(now);
  }

  /** Takes an acknowledgement or error from the client. Gives the datagrams to send, in order. */
  receive(message: TftpMessage, now: Millis): readonly Uint8Array[] {
    if (this.#state !== "running") return [];
    if (message.kind === "error") this.#state = "aborted";
    return message.kind === "acknowledge" ? this.#acknowledge(message.block, now) : [];
  }

  /** Sends the window again if it is time, or gives the client up. Gives the datagrams to send. */
  tick(now: Millis): readonly Uint8Array[] {
    if (this.#state !== "running" || now < this.deadline) return [];
    if (now >= (this.#endBy ?? Infinity)) {
      this.#state = this.isUnanswered ? "lost" : "expired";
      return [];
    }
    if (this.#retries === RETRIES_MAX) {
      this.#state = "lost";
      return [];
    }
    this.#retries += 1;
    return this.#again(now);
  }

  /** The block that is acknowledged before anything was. */
  get #firstBlock(): number {
    return this.#optionAcknowledge === undefined ? 0 : -1;
  }

  #acknowledge(wireBlock: number, now: Millis): readonly Uint8Array[] {
    if (this.#returns(wireBlock)) return [];
    const before = this.#acknowledged;
    if (before < 0) return wireBlock === 0 ? this.#advance(0, now) : [];
    const ahead = (wireBlock - before) & 0xffff;
    if (ahead > this.#sentTo - before) return []; // an old one, or of a block never sent
    if (ahead > 0) return this.#advance(before + ahead, now);
    const mayBeEcho = this.#windowBlocks === 1 || before <= this.#echoesTo;
    return mayBeEcho ? [] : this.#againOnCredit(now);
  }

  /** True if the client is where it was before its request came a second time. */
  #returns(wireBlock: number): boolean {
    if (this.#returnTo < 0) return false;
    const ahead = (wireBlock - this.#returnTo) & 0xffff;
    const isThere = ahead <= this.#windowBlocks && wireBlock > this.#windowBlocks;
    if (isThere) {
      this.#acknowledged = this.#returnTo;
      this.#sentTo = Math.min(this.#returnTo + this.#windowBlocks, this.#lastBlock);
      this.#echoesTo = this.#sentTo;
    }
    this.#returnTo = -1;
    return isThere && ahead === 0;
  }

  #advance(block: number, now: Millis): readonly Uint8Array[] {
    if (this.isUnanswered) {
      this.#endBy = now + TRANSFER_MS + this.#lastBlock * TRANSFER_MS_PER_BLOCK;
    }
    const arrived = block - Math.max(0, this.#acknowledged);
    const creditMax = CREDIT_WINDOWS * this.#windowBlocks;
    this.#credit = Math.min(creditMax, this.#credit + arrived * CREDIT_PER_BLOCK);
    this.#acknowledged = block;
    this.#retries = 0;
    if (block === this.#lastBlock) {
      this.#state = "complete";
      return [];
    }
    return block < this.#sentTo ? this.#againOnCredit(now) : this.#window(now);
  }

  /** Sends the window again, if the credit suffices; otherwise the next timeout does. */
  #againOnCredit(now: Millis): readonly Uint8Array[] {
    const cost = this.#sentTo - this.#acknowledged;
    if (cost > this.#credit) {
      this.#deadline = now + this.#patienceMs;
      return [];
    }
    this.#credit -= cost;
    return this.#again(now);
  }

  #again(now: Millis): readonly Uint8Array[] {
    const datagrams = this.#window(now);
    this.#echoesTo = Math.max(this.#echoesTo, this.#sentTo);
    return datagrams;
  }

  get #patienceMs(): number {
    return this.#fixedTimeoutMs ?? Math.min(TIMEOUT_MS * 2 ** this.#retries, TIMEOUT_MS_MAX);
  }

  #window(now: Millis): readonly Uint8Array[] {
    this.#deadline = now + this.#patienceMs;
    if (this.#acknowledged < 0) {
      assert(this.#optionAcknowledge !== undefined);
      return [this.#optionAcknowledge];
    }
    const end = Math.min(this.#acknowledged + this.#windowBlocks, this.#lastBlock);
    this.#sentTo = end;
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
    if (this.#fixedTimeoutMs !== undefined) accepted.push(["timeout", this.#fixedTimeoutMs / 1000]);
    if (options.windowBlocks !== undefined) accepted.push(["windowsize", this.#windowBlocks]);
    return accepted;
  }
}
