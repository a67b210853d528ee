/**
 * A network in virtual time: datagrams lie in the arena and are delivered without a copy.
 *
 * The one idea: every way from one end to another is a link with loss (single or in bursts),
 * delay, jitter, reordering, duplicates, a bandwidth with a finite queue, and times at which it
 * is cut. All chance comes from one seeded generator, so a seed is a network. The digest over all
 * that was delivered and lost names a run.
 */
import type { DatagramView, Endpoint, TransmitBatch } from "../../shared/core/engine.ts";
import type { Random } from "../../shared/core/random.ts";
import { MomentHeap } from "./heap.ts";

/** What a way from one end to another does to datagrams. */
export interface Link {
  /** Chance of a single loss, 0 .. 1. */
  readonly loss: number;
  /** Chance that a burst of losses begins, and its mean length in datagrams. */
  readonly burst: number;
  readonly burstLength: number;
  readonly delayMs: number;
  /** Uniform extra delay; larger than the spacing of datagrams, it reorders them. */
  readonly jitterMs: number;
  /** Chance of being held back by `delayMs` again. */
  readonly late: number;
  readonly duplicate: number;
  /** Infinity = no limit. Unit: bits per second on the wire. */
  readonly bandwidth: number;
  /** What the link's queue holds; more is dropped. Unit: bytes. */
  readonly queueBytes: number;
  /** Times at which nothing passes. */
  readonly cuts: readonly { readonly from: number; readonly to: number }[];
}

/** A link that does nothing. */
export const PERFECT: Link = {
  loss: 0,
  burst: 0,
  burstLength: 1,
  delayMs: 0.05,
  jitterMs: 0,
  late: 0,
  duplicate: 0,
  bandwidth: Infinity,
  queueBytes: 1 << 20,
  cuts: [],
};

/** Wire bytes beyond the datagram, as WIRE.md counts them. */
const FRAME_OVERHEAD_BYTES = 66;
const CELL_BYTES = 1536;

interface Trip {
  readonly cell: number;
  readonly from: number;
  readonly to: number;
}

interface LinkState {
  readonly link: Link;
  burstLeft: number;
  freeAt: number;
}

/** Arena cells for datagrams in flight, each with the number of copies still to be delivered. */
class Cells {
  readonly #offset: number;
  readonly #copies: Int32Array;
  readonly lengths: Int32Array;
  readonly #free: number[] = [];

  constructor(offset: number, count: number) {
    this.#offset = offset;
    this.#copies = new Int32Array(count);
    this.lengths = new Int32Array(count);
    for (let cell = count - 1; cell >= 0; cell -= 1) this.#free.push(cell);
  }

  take(length: number): number {
    const cell = this.#free.pop();
    if (cell === undefined || length > CELL_BYTES) throw new Error("network is out of cells");
    this.#copies[cell] = 1;
    this.lengths[cell] = length;
    return cell;
  }

  offsetOf(cell: number): number {
    return this.#offset + cell * CELL_BYTES;
  }

  hold(cell: number): void {
    this.#copies[cell] = (this.#copies[cell] ?? 0) + 1;
  }

  drop(cell: number): void {
    const copies = (this.#copies[cell] ?? 0) - 1;
    this.#copies[cell] = copies;
    if (copies === 0) this.#free.push(cell);
  }

  get freeCount(): number {
    return this.#free.length;
  }
}

/** Bytes of arena that a network needs for so many datagrams in flight. */
export function networkBytes(datagrams: number): number {
  return datagrams * CELL_BYTES;
}

/** The network: end 0 is the sender, ends 1 .. n are receivers. */
export class SimNetwork {
  readonly #random: Random;
  readonly #bytes: Uint8Array;
  readonly #cells: Cells;
  readonly #heap = new MomentHeap();
  readonly #egress: LinkState;
  readonly #down: LinkState[];
  readonly #up: LinkState[];
  readonly #remotes: Endpoint[];
  /** Deliveries by heap value: cell and end. */
  readonly #deliveryCell: number[] = [];
  readonly #deliveryFrom: number[] = [];
  readonly #deliveryEnd: number[] = [];
  readonly #freeDeliveries: number[] = [];
  #digest = 0x811c9dc5;
  #digest2 = 0x9e3779b9;
  sentBytes = 0;
  sentDatagrams = 0;
  upDatagrams = 0;
  lost = 0;

  constructor(parts: {
    readonly random: Random;
    readonly bytes: Uint8Array;
    readonly offset: number;
    readonly datagrams: number;
    readonly egress: Link;
    readonly down: readonly Link[];
    readonly up: readonly Link[];
  }) {
    this.#random = parts.random;
    this.#bytes = parts.bytes;
    this.#cells = new Cells(parts.offset, parts.datagrams);
    this.#egress = { link: parts.egress, burstLeft: 0, freeAt: 0 };
    this.#down = parts.down.map((link) => ({ link, burstLeft: 0, freeAt: 0 }));
    this.#up = parts.up.map((link) => ({ link, burstLeft: 0, freeAt: 0 }));
    this.#remotes = [...parts.down.keys(), parts.down.length].map((end) => endpointOf(end));
  }

  /** Moment of the next delivery, or Infinity. */
  get next(): number {
    return this.#heap.first;
  }

  /** Name of everything that happened so far. */
  get digest(): string {
    const words = [this.#digest >>> 0, this.#digest2 >>> 0];
    return words.map((word) => word.toString(16).padStart(8, "0")).join("");
  }

  /** Mixes a number into the digest. */
  note(value: number): void {
    this.#digest = Math.imul(this.#digest ^ (value | 0), 0x01000193);
    this.#digest2 = Math.imul(this.#digest2 ^ (this.#digest >>> 15) ^ (value | 0), 0x85ebca6b);
  }

  /** A batch for one end; what is added leaves when {@link send} is called. */
  batch(end: number): SimBatch {
    return new SimBatch(this, end);
  }

  /** @internal for SimBatch */
  takeCell(length: number): number {
    return this.#cells.freeCount < 64 ? -1 : this.#cells.take(length);
  }

  /** @internal for SimBatch */
  cellOffset(cell: number): number {
    return this.#cells.offsetOf(cell);
  }

  /** Sends one datagram that lies in a cell. */
  send(end: number, cell: number, remote: Endpoint, now: number): void {
    const length = this.#cells.lengths[cell] ?? 0;
    this.#noteDatagram(cell, now);
    if (end > 0) {
      this.upDatagrams += 1;
      const state = this.#up[end - 1];
      if (state !== undefined) this.#travel(state, { cell, from: end, to: 0 }, now);
    } else {
      this.sentDatagrams += 1;
      this.sentBytes += length + FRAME_OVERHEAD_BYTES;
      const at = this.#queue(this.#egress, length, now);
      if (at >= 0) this.#fromSender(cell, remote, at);
      else this.lost += 1;
    }
    this.#cells.drop(cell);
  }

  #fromSender(cell: number, remote: Endpoint, now: number): void {
    for (const [index, state] of this.#down.entries()) {
      const target = this.#remotes[index + 1];
      const meant = isGroup(remote) || target?.address === remote.address;
      if (meant) this.#travel(state, { cell, from: 0, to: index + 1 }, now);
    }
  }

  #travel(state: LinkState, trip: Trip, now: number): void {
    const { link } = state;
    const { cell } = trip;
    const random = this.#random;
    const cut = link.cuts.some(({ from, to }) => now >= from && now < to);
    if (cut || this.#isLost(state)) {
      this.lost += 1;
      return;
    }
    const leaves = this.#queue(state, this.#cells.lengths[cell] ?? 0, now);
    if (leaves < 0) {
      this.lost += 1;
      return;
    }
    const copies = link.duplicate > 0 && random.fraction() < link.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      let at = leaves + link.delayMs;
      if (link.jitterMs > 0) at += random.fraction() * link.jitterMs;
      if (link.late > 0 && random.fraction() < link.late) at += link.delayMs + link.jitterMs;
      this.#cells.hold(cell);
      this.#deliver(trip, at);
    }
  }

  #isLost(state: LinkState): boolean {
    const { link } = state;
    if (state.burstLeft > 0) {
      state.burstLeft -= 1;
      return true;
    }
    if (link.loss > 0 && this.#random.fraction() < link.loss) return true;
    if (link.burst === 0 || this.#random.fraction() >= link.burst) return false;
    state.burstLeft = this.#random.below(2 * link.burstLength);
    return true;
  }

  /** When a datagram leaves a link of finite bandwidth; -1 when its queue is full. */
  #queue(state: LinkState, length: number, now: number): number {
    const { bandwidth, queueBytes } = state.link;
    if (bandwidth === Infinity) return now;
    const bytesPerMs = bandwidth / 8000;
    const start = Math.max(state.freeAt, now);
    if ((start - now) * bytesPerMs > queueBytes) return -1;
    state.freeAt = start + (length + FRAME_OVERHEAD_BYTES) / bytesPerMs;
    return state.freeAt;
  }

  #deliver({ cell, from, to }: Trip, at: number): void {
    let index = this.#freeDeliveries.pop();
    if (index === undefined) {
      index = this.#deliveryCell.length;
      this.#deliveryCell.push(0);
      this.#deliveryFrom.push(0);
      this.#deliveryEnd.push(0);
    }
    this.#deliveryCell[index] = cell;
    this.#deliveryFrom[index] = from;
    this.#deliveryEnd[index] = to;
    this.#heap.push(at, index);
  }

  /** Hands over everything due up to `now`. */
  deliverUntil(now: number, visit: (end: number, view: DatagramView) => void): void {
    const view = { offset: 0, length: 0, remote: GROUP, dropped: 0 };
    while (this.#heap.first <= now) {
      const index = this.#heap.pop();
      const cell = this.#deliveryCell[index] ?? 0;
      const end = this.#deliveryEnd[index] ?? 0;
      this.#freeDeliveries.push(index);
      view.offset = this.#cells.offsetOf(cell);
      view.length = this.#cells.lengths[cell] ?? 0;
      view.remote = this.#remotes[this.#deliveryFrom[index] ?? 0] ?? GROUP;
      visit(end, view);
      this.#cells.drop(cell);
    }
  }

  /** A datagram's last eight bytes are a keyed digest of all of it. */
  #noteDatagram(cell: number, now: number): void {
    const end = this.#cells.offsetOf(cell) + (this.#cells.lengths[cell] ?? 0);
    for (let at = end - 8; at < end; at += 1) this.note(this.#bytes[at] ?? 0);
    this.note(Math.floor(now * 1000));
  }
}

/** Outgoing datagrams of one end. */
export class SimBatch implements TransmitBatch {
  readonly #network: SimNetwork;
  readonly #end: number;
  readonly #cells: number[] = [];
  readonly #remotes: Endpoint[] = [];

  constructor(network: SimNetwork, end: number) {
    this.#network = network;
    this.#end = end;
  }

  add(length: number, remote: Endpoint): number {
    if (this.#cells.length >= 128) return -1;
    const cell = this.#network.takeCell(length);
    if (cell < 0) return -1;
    this.#cells.push(cell);
    this.#remotes.push(remote);
    return this.#network.cellOffset(cell);
  }

  send(now: number): void {
    for (const [index, cell] of this.#cells.entries()) {
      const remote = this.#remotes[index];
      if (remote !== undefined) this.#network.send(this.#end, cell, remote, now);
    }
    this.#cells.length = 0;
    this.#remotes.length = 0;
  }
}

/** Address of an end. */
function endpointOf(end: number): Endpoint {
  return { address: `10.0.0.${end}`, port: 7000 };
}

/** The group that all receivers are in. */
export const GROUP: Endpoint = { address: "239.192.0.1", port: 7001 };

function isGroup(remote: Endpoint): boolean {
  return remote.address === GROUP.address;
}
