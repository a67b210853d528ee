/**
 * Writes everything that a sender sends into the outgoing batch: header, body, tag.
 *
 * DATA datagrams of a burst lie back to back with equal length, so their tags are written four at a
 * time at the end of the run. Every multicast datagram has a sequence number; unicast messages have
 * none. The callers decide what is sent, and when.
 */
import type { Endpoint, TransmitBatch } from "../../core/engine.ts";
import { BlockEncoder } from "../../fec/encode.ts";
import { SOURCE_SYMBOLS_MAX } from "../../fec/partition.ts";
import { SYMBOL_IDS } from "../../fec/scheme.ts";
import { blockListRoom } from "../../wire/block-list.ts";
import { DATA_HEADER_BYTES, DATA_OVERHEAD_BYTES, writeSymbolName } from "../../wire/data.ts";
import type { SymbolName } from "../../wire/data.ts";
import {
  FRAME_OVERHEAD_BYTES,
  Flag,
  MessageType,
  messageBytesMax,
  splitSid,
  writeHeader,
} from "../../wire/header.ts";
import type { HeaderFields } from "../../wire/header.ts";
import type { OutgoingMessage } from "../../wire/message.ts";
import { SYNC_FIXED_BYTES } from "../../wire/sync.ts";
import type { Block } from "./cached-chunk.ts";
import { PARITY_GROUP } from "./chunk-cache.ts";
import type { SenderOptions } from "./contract.ts";

export class Outbox {
  /** Number of blocks that fit into a SYNC and an ADV. */
  readonly blocksMax: number;
  readonly #options: SenderOptions;
  readonly #view: DataView;
  readonly #encoder: BlockEncoder;
  readonly #sources = new Uint32Array(SOURCE_SYMBOLS_MAX);
  readonly #name: SymbolName = { chunk: 0, block: 0, symbol: 0, chunkSymbols: 0 };
  readonly #header: { -readonly [Key in keyof HeaderFields]: HeaderFields[Key] };
  #seq = 1;
  #batch: TransmitBatch | undefined = undefined;
  #wireBytes = 0;
  #count = 0;
  #runOffset = 0;
  #runCount = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    const { bytes } = options.arena;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#encoder = new BlockEncoder(options.kernel);
    this.blocksMax = blockListRoom(messageBytesMax(options.symbolBytes), SYNC_FIXED_BYTES);
    this.#header = { type: MessageType.data, flags: 0, sid: splitSid(options.sid), seq: 0 };
  }

  /** @returns Datagrams written since {@link begin}. */
  get count(): number {
    return this.#count;
  }

  /** @param batch - Everything is written into it until {@link finish}. */
  begin(batch: TransmitBatch): void {
    this.#batch = batch;
    this.#wireBytes = 0;
    this.#count = 0;
  }

  /**
   * Writes the tags that are missing; then the batch may be sent.
   *
   * @returns Bytes on the wire since {@link begin}.
   */
  finish(): number {
    this.#sealRun();
    this.#batch = undefined;
    return this.#wireBytes;
  }

  /** @returns Bytes of a DATA datagram on the wire. */
  get dataWireBytes(): number {
    return this.#options.symbolBytes + DATA_OVERHEAD_BYTES + FRAME_OVERHEAD_BYTES;
  }

  /**
   * Writes a source symbol.
   *
   * @param symbol - 0 .. k-1.
   * @param repair - True if a receiver lacked it.
   * @returns False if the batch is full: nothing was written.
   */
  source(block: Block, symbol: number, repair: boolean): boolean {
    const from = block.offset + symbol * this.#options.symbolBytes;
    return this.#data(block, symbol, from, repair);
  }

  /**
   * Writes the next fresh symbol of a block: parity while there is any, then source symbols again.
   *
   * @param block - In the cache; its `next` moves on.
   * @param hint - How many more will be wanted soon.
   * @param repair - True if a receiver lacks it.
   * @returns False if the batch is full: nothing was written.
   */
  fresh(block: Block, hint: number, repair: boolean): boolean {
    const symbol = block.next;
    const isSource = symbol < block.k;
    const written = isSource
      ? this.source(block, symbol, repair)
      : this.#data(block, symbol, this.#parity(block, symbol, hint), repair);
    if (!written) return false;
    block.sentFresh();
    return true;
  }

  /**
   * Makes parity symbols, up to four at a time, in the block's own room, and returns the offset of
   * one.
   */
  #parity(block: Block, symbol: number, hint: number): number {
    const { symbolBytes } = this.#options;
    if (!block.hasParity(symbol)) {
      const count = Math.min(Math.max(hint, 1), PARITY_GROUP, SYMBOL_IDS - symbol);
      for (let i = 0; i < block.k; i += 1) this.#sources[i] = block.offset + i * symbolBytes;
      const outputs = new Uint32Array(count);
      for (let i = 0; i < count; i += 1) outputs[i] = block.parityOffset + i * symbolBytes;
      this.#encoder.encode(this.#sources.subarray(0, block.k), symbolBytes, symbol, outputs);
      block.madeParity(symbol, count);
    }
    return block.parityOffset + (symbol - block.parityFrom) * symbolBytes;
  }

  #data(block: Block, symbol: number, from: number, repair: boolean): boolean {
    const { symbolBytes, arena, group } = this.#options;
    const length = symbolBytes + DATA_OVERHEAD_BYTES;
    const offset = this.#add(length, group);
    if (offset < 0) return false;
    this.#writeHeader(offset, MessageType.data, repair ? Flag.repair : 0);
    const name = this.#name;
    name.chunk = block.chunk.chunk;
    name.block = block.index;
    name.symbol = symbol;
    name.chunkSymbols = block.chunk.symbols;
    writeSymbolName(this.#view, offset, name);
    arena.bytes.copyWithin(offset + DATA_HEADER_BYTES, from, from + symbolBytes);
    if (this.#runCount > 0 && offset !== this.#runOffset + this.#runCount * length) this.#sealRun();
    if (this.#runCount === 0) this.#runOffset = offset;
    this.#runCount += 1;
    return true;
  }

  /**
   * Writes a message other than DATA.
   *
   * @param remote - One receiver; all of the group if there is none.
   * @returns False when the batch is full.
   */
  send(message: OutgoingMessage, remote: Endpoint = this.#options.group): boolean {
    const offset = this.#add(message.length, remote);
    if (offset < 0) return false;
    message.write(this.#options.arena.bytes, offset);
    const addressed = remote === this.#options.group ? 0 : Flag.unicast;
    this.#writeHeader(offset, message.type, message.flags | addressed);
    this.#options.tagger.seal(offset, message.length);
    return true;
  }

  #add(length: number, remote: Endpoint): number {
    const offset = this.#batch?.add(length, remote) ?? -1;
    if (offset < 0) return -1;
    this.#wireBytes += length + FRAME_OVERHEAD_BYTES;
    this.#count += 1;
    return offset;
  }

  #writeHeader(offset: number, type: MessageType, flags: number): void {
    const header = this.#header;
    header.type = type;
    header.flags = flags;
    header.seq = (flags & Flag.unicast) !== 0 ? 0 : this.#seq++;
    writeHeader(this.#view, offset, header);
  }

  #sealRun(): void {
    if (this.#runCount === 0) return;
    const length = this.#options.symbolBytes + DATA_OVERHEAD_BYTES;
    this.#options.tagger.sealRun(this.#runOffset, length, this.#runCount, length);
    this.#runCount = 0;
  }
}
