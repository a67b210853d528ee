/**
 * From symbols to chunks: stores DATA, and requests work from the driver when a block or a chunk is
 * complete.
 *
 * A chunk is lacking, in a lane, being fetched, or done; only the driver can make it done, after
 * its digest matched and its bytes were kept. When no lane is free, data of new chunks is dropped
 * on purpose and counted as shed: those chunks stay lacking as a whole, never half kept.
 */
import { DATA_HEADER_BYTES, DATA_OVERHEAD_BYTES, readSymbolName } from "../../wire/data.ts";
import type { SymbolName } from "../../wire/data.ts";
import { ChunkStates } from "./chunks.ts";
import type { LackingDescription } from "./chunks.ts";
import type {
  ReceptionFailure,
  ReceptionOptions,
  ReceptionRequest,
  ReceptionResult,
  SessionFacts,
} from "./contract.ts";
import { Drain } from "./drain.ts";
import { Fetches } from "./fetches.ts";
import type { ReceptionPolicy } from "./policy.ts";
import { PutResult, LaneTable } from "./lanes.ts";

/** Totals of an assembly. Datagrams unless a unit is named. */
export interface AssemblyCounters {
  kept: number;
  surplus: number;
  shed: number;
  malformed: number;
  decodedBlocks: number;
  badChunks: number;
}

/** Why a reception cannot succeed. */
export interface Failure {
  readonly code: ReceptionFailure;
  readonly reason: string;
}

/** The parts and options of an assembly. */
export interface AssemblyOptions {
  readonly options: ReceptionOptions;
  readonly facts: SessionFacts;
  readonly policy: ReceptionPolicy;
  /** Offset of the ring in the arena. */
  readonly ringOffset: number;
}

/** The chunks of one session while they are put together. */
export class Assembly {
  readonly chunks: ChunkStates;
  readonly lanes: LaneTable;
  readonly fetches: Fetches;
  readonly drain: Drain = new Drain();
  readonly counters: AssemblyCounters = {
    kept: 0,
    surplus: 0,
    shed: 0,
    malformed: 0,
    decodedBlocks: 0,
    badChunks: 0,
  };
  /** Set once, when the reception can no longer succeed. */
  failure: Failure | undefined = undefined;
  readonly #options: ReceptionOptions;
  readonly #policy: ReceptionPolicy;
  readonly #symbolBytes: number;
  readonly #view: DataView;
  readonly #name: SymbolName = { chunk: 0, block: 0, symbol: 0, chunkSymbols: 0 };
  readonly #badTries = new Map<number, number>();
  /**
   * Lanes that are complete but not yet delivered, because earlier chunks come first (in-order
   * delivery), by chunk.
   */
  readonly #waiting = new Map<number, number>();
  #requests: ReceptionRequest[] = [];
  /** Lanes under repair or delivery. */
  #working = 0;

  constructor(from: AssemblyOptions) {
    const { options, facts, policy } = from;
    this.#options = options;
    this.#policy = policy;
    this.#symbolBytes = facts.symbolBytes;
    const { bytes } = options.arena;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.chunks = new ChunkStates(options.wanted);
    this.fetches = new Fetches(this.chunks, policy);
    const { symbolBytes, recordBytesMax } = facts;
    const ring = { bytes, offset: from.ringOffset, ringBytes: options.ringBytes };
    this.lanes = new LaneTable({ ...ring, symbolBytes, recordBytesMax });
  }

  /** @returns True if every wanted chunk is right and kept. */
  get complete(): boolean {
    return this.chunks.count !== undefined && this.chunks.lacking === 0;
  }

  /**
   * @returns Fill of the ring, 0 .. 100, counting chunks that wait for the disk but not those that
   *   wait for symbols.
   */
  get ringPercent(): number {
    return Math.round((100 * this.drain.open) / this.lanes.count);
  }

  /**
   * Describes the chunks that the sender may send whole: those of which nothing is here, and those
   * that get no further because our NACKs stay unanswered. If lanes are short, only as many chunks
   * are described as the ring has room for.
   *
   * @param from - The sender's position.
   * @param rangesMax - Ranges that fit into a report.
   * @returns An exact description of a span.
   */
  describe(from: number, rangesMax: number, now: number): LackingDescription {
    const before = now - this.#policy.staleLaneMs;
    const { lanes, chunks } = this;
    const isStuck = (lane: number): boolean => lanes.isUntouched(lane, before);
    let chunksMax = Infinity;
    if (lanes.freeCount * 4 <= lanes.count) {
      chunksMax = lanes.freeCount;
      for (let lane = 0; lane < lanes.count; lane += 1) if (isStuck(lane)) chunksMax += 1;
    }
    // While the number of chunks is unknown, those from the sender's position on have not been
    // sent.
    const below = Math.min(chunks.count ?? from, this.windowEnd);
    return chunks.describe(from, below, { rangesMax, chunksMax, isStuck });
  }

  /**
   * @returns First chunk that gets no lane even if one is free, because others must be delivered
   *   before it.
   */
  get windowEnd(): number {
    return this.#options.inOrder ? this.chunks.lowestLacking + this.lanes.count : Infinity;
  }

  /**
   * @param chunk - One that is in no lane.
   * @returns True if it would get a lane now.
   */
  admits(chunk: number): boolean {
    return this.lanes.freeCount > 0 && chunk < this.windowEnd;
  }

  /**
   * @returns True if no work under way can still complete a chunk. Complete chunks that wait for
   *   their turn do not count as work: the chunk they wait for is not under way.
   */
  get idle(): boolean {
    return this.#working === 0;
  }

  /** @returns Requests to the driver; each is given once. */
  takeRequests(): readonly ReceptionRequest[] {
    const requests = this.#requests;
    if (requests.length > 0) this.#requests = [];
    return requests;
  }

  /**
   * Takes a DATA datagram of this session whose tag has been checked.
   *
   * @param offset - In the arena.
   * @param length - Tag included. Unit: bytes.
   */
  data(offset: number, length: number, now: number): void {
    const name = this.#name;
    const fits = length === this.#symbolBytes + DATA_OVERHEAD_BYTES;
    if (!fits || !readSymbolName(this.#view, offset, name) || !this.chunks.exists(name.chunk)) {
      this.counters.malformed += 1;
      return;
    }
    let lane = this.chunks.laneOf(name.chunk);
    if (lane < 0) {
      lane = this.#admit(name, now);
      if (lane < 0) return;
    }
    const cut = this.lanes.cutOf(lane);
    if (name.block >= cut.blockCount || name.chunkSymbols !== cut.symbolCount) {
      this.counters.malformed += 1;
      return;
    }
    const source = offset + DATA_HEADER_BYTES;
    const put = this.lanes.put(lane, name.block, name.symbol, source, now);
    if (put === PutResult.surplus) {
      this.counters.surplus += 1;
      return;
    }
    this.counters.kept += 1;
    if (put === PutResult.blockRepairable) this.#repair(lane, name.chunk, name.block);
    else if (put === PutResult.blockComplete && this.lanes.isComplete(lane)) this.#full(lane, now);
  }

  /** Gives a chunk a lane; if there is none, counts the reason. */
  #admit({ chunk, chunkSymbols }: SymbolName, now: number): number {
    if (!this.chunks.isLacking(chunk)) {
      this.counters.surplus += 1;
      return -1;
    }
    const recordLength = this.#options.recordLengths?.[chunk];
    const expected =
      recordLength === undefined ? chunkSymbols : Math.ceil(recordLength / this.#symbolBytes);
    if (chunkSymbols > this.lanes.symbolsMax || chunkSymbols !== expected) {
      this.counters.malformed += 1;
      return -1;
    }
    if (chunk >= this.windowEnd) {
      this.counters.shed += 1;
      return -1;
    }
    if (this.lanes.freeCount === 0) this.#giveUpStale(now);
    const lane = this.lanes.take(chunk, chunkSymbols, now);
    if (lane < 0) this.counters.shed += 1;
    else this.chunks.setLane(chunk, lane);
    return lane;
  }

  #giveUpStale(now: number): void {
    const lane = this.lanes.stalest(now - this.#policy.staleLaneMs);
    if (lane < 0) return;
    this.chunks.setLacking(this.lanes.chunkOf(lane));
    this.lanes.release(lane);
  }

  #repair(lane: number, chunk: number, block: number): void {
    this.#working += 1;
    const offset = this.lanes.blockOffset(lane, block);
    const symbols = this.lanes.symbolsIn(lane, block);
    const symbolBytes = this.#symbolBytes;
    this.#requests.push({ kind: "decode", chunk, block, offset, symbolBytes, symbols });
  }

  #full(lane: number, now: number): void {
    const chunk = this.lanes.chunkOf(lane);
    this.lanes.setDelivering(lane);
    if (!this.#options.inOrder) {
      this.#deliver(chunk, lane, now);
      return;
    }
    this.#waiting.set(chunk, lane);
    this.#deliverInOrder(now);
  }

  /**
   * Delivers one chunk at a time, so that a driver that writes to a pipe cannot change the order.
   */
  #deliverInOrder(now: number): void {
    const chunk = this.chunks.lowestLacking;
    const lane = this.#waiting.get(chunk);
    if (lane === undefined) return;
    this.#waiting.delete(chunk);
    this.#deliver(chunk, lane, now);
  }

  #deliver(chunk: number, lane: number, now: number): void {
    this.#working += 1;
    this.drain.begin(now);
    this.#requests.push({
      kind: "deliver",
      chunk,
      offset: this.lanes.offsetOf(lane),
      length: this.#lengthOf(chunk, lane),
    });
  }

  #lengthOf(chunk: number, lane: number): number {
    const padded = this.lanes.cutOf(lane).symbolCount * this.#symbolBytes;
    return this.#options.recordLengths?.[chunk] ?? padded;
  }

  /**
   * Takes the result of a request.
   *
   * @param result - Any but "abort".
   * @returns If the content of a chunk was wrong again, how often it has been wrong by now; else 0.
   */
  finish(result: Exclude<ReceptionResult, { kind: "abort" }>, now: number): number {
    switch (result.kind) {
      case "decoded":
        this.#decoded(result.chunk, result.block, now);
        return 0;
      case "delivered":
        return this.#delivered(result.chunk, result.outcome === "ok", now);
      case "fetched":
        if (!this.fetches.complete(result.chunk, result.outcome === "ok")) {
          const reason = `chunk ${result.chunk} could not be fetched`;
          this.failure = { code: "fetch_failed", reason };
        }
        if (this.#options.inOrder) this.#deliverInOrder(now);
        return 0;
      case "lacking":
        this.chunks.addLacking(result.chunks);
        return 0;
    }
  }

  #decoded(chunk: number, block: number, now: number): void {
    this.#working -= 1;
    this.counters.decodedBlocks += 1;
    const lane = this.chunks.laneOf(chunk);
    this.lanes.repaired(lane, block);
    if (this.lanes.isComplete(lane)) this.#full(lane, now);
  }

  #delivered(chunk: number, ok: boolean, now: number): number {
    this.#working -= 1;
    const lane = this.chunks.laneOf(chunk);
    this.drain.end(this.#lengthOf(chunk, lane), now);
    this.lanes.release(lane);
    if (ok) {
      this.chunks.setDone(chunk);
      if (this.#options.inOrder) this.#deliverInOrder(now);
      return 0;
    }
    this.chunks.setLacking(chunk);
    this.counters.badChunks += 1;
    const tries = (this.#badTries.get(chunk) ?? 0) + 1;
    this.#badTries.set(chunk, tries);
    if (tries >= this.#policy.badTriesMax) this.#giveUpOn(chunk, tries);
    return tries;
  }

  #giveUpOn(chunk: number, tries: number): void {
    if (this.#options.canFetch) {
      this.fetches.force(chunk);
      return;
    }
    const reason = `content of chunk ${chunk} was wrong ${tries} times`;
    this.failure = { code: "bad_content", reason };
  }

  /**
   * Requests the fetches that are allowed now: forced chunks, and all others once multicast is
   * over.
   */
  pumpFetches(): void {
    if (this.fetches.all && this.chunks.nextLacking(0) < 0) this.#dropPartial();
    for (let chunk = this.fetches.next(); chunk >= 0; chunk = this.fetches.next()) {
      this.#requests.push({ kind: "fetch", chunk });
    }
  }

  /**
   * Starts fetching the rest after multicast is over. Chunks in lanes that are under neither repair
   * nor delivery become lacking.
   */
  fetchRest(): void {
    this.#dropPartial();
    this.fetches.fetchAll();
  }

  #dropPartial(): void {
    for (let lane = this.lanes.stalest(Infinity); lane >= 0; lane = this.lanes.stalest(Infinity)) {
      this.chunks.setLacking(this.lanes.chunkOf(lane));
      this.lanes.release(lane);
    }
  }
}
