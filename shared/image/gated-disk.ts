/**
 * GatedDisk: writes one image to one disk, in the order that keeps promise P2.
 *
 * The steps are: scan, close the gate, write the body, flush, read back, open the gate. The
 * placement defines the gate. Between `close` and the end of `open` the target holds nothing that
 * firmware or a kernel would recognise. The door, one sector, is the very last write, by itself,
 * after everything else is on the medium and was compared. Every chunk is checked before a byte of
 * it is written. Chunks may come in any order and more than once; gate chunks are kept in memory
 * until the end. An object belongs to one thread.
 */
import assert from "node:assert/strict";
import { FormatError } from "../core/errors.ts";
import type { Range } from "../core/ranges.ts";
import type { ByteCount } from "../core/units.ts";
import type { BlockDevice, DiskWrite } from "../disk/block-device.ts";
import { ChunkDecoder } from "./chunk-decoder.ts";
import type { ChunkCodec } from "./chunk-codec.ts";
import { encodeGateRecord } from "../disk/gate-record.ts";
import { CHUNK_RAW_BYTES_MAX } from "./limits.ts";
import { PlacedContent, type PlacedIndex, readable } from "./placed-content.ts";
import {
  type Fixup,
  isPlaced,
  type PlacedDevice,
  placedWithin,
  placedWrites,
  type Placement,
} from "./placement.ts";
import type { ImageIndex } from "./reader.ts";

/** A sample reads back this many chunks, evenly spread; a smaller image is read back whole. */
const SAMPLE_CHUNKS = 460;

/** Called after every chunk; may throw to stop the work. Unit: bytes. */
export type ChunkProgress = (doneBytes: ByteCount, totalBytes: ByteCount) => void;

/** What a scan found on a disk. */
export interface DiskFindings {
  /**
   * Chunks whose content must be delivered, ascending; gate chunks are among them unless the disk
   * is complete.
   */
  readonly lacking: readonly number[];
  /**
   * `fresh`: other content; `resumed`: this image, whose load was begun before; `delta`: a complete
   * disk, some chunks differ; `unchanged`: a complete disk, nothing differs.
   */
  readonly found: "fresh" | "resumed" | "delta" | "unchanged";
  /**
   * Runs of a complete disk with bytes that are not the image's and that a kernel or tool might
   * recognise. Closing the gate clears them. Unit: bytes.
   */
  readonly remains: readonly Range[];
}

/** The writes that open the gate: the door, and everything that must be in place before it. */
interface Opening {
  readonly door: DiskWrite;
  readonly others: readonly DiskWrite[];
}

/** An image, and the disk that it is written to. */
export class GatedDisk {
  /** Content written so far, gate included. Unit: bytes. */
  writtenBytes: ByteCount = 0;
  readonly #index: ImageIndex;
  readonly #placement: Placement;
  readonly #device: BlockDevice;
  readonly #placed: PlacedDevice;
  readonly #content: PlacedContent;
  readonly #decoder: ChunkDecoder;
  readonly #gateChunks: ReadonlySet<number>;
  readonly #fixups: ReadonlyMap<number, Fixup>;
  /** Raw content of the gate chunks that have been delivered. */
  readonly #held = new Map<number, Uint8Array>();
  /** The gate record that `close` wrote into the door. */
  #gateRecord: Uint8Array | undefined;
  /** Page-aligned memory of one chunk, for direct I/O. */
  readonly #buffer: Uint8Array;

  /**
   * Writes nothing.
   *
   * @param device - As long as it was when the placement was made.
   * @param codec - Of this thread.
   * @param buffer - 1 MiB, page aligned if the device uses direct I/O.
   */
  constructor(image: PlacedIndex, device: BlockDevice, codec: ChunkCodec, buffer: Uint8Array) {
    const { index, placement } = image;
    const [placed, ...others] = placement.devices;
    assert(placed !== undefined && others.length === 0, "a gated disk is one disk");
    this.#index = index;
    this.#placement = placement;
    this.#device = device;
    this.#placed = placed;
    this.#content = new PlacedContent(image, device, buffer);
    this.#decoder = new ChunkDecoder(codec);
    this.#buffer = buffer;
    this.#gateChunks = new Set(placement.gateChunks);
    this.#fixups = new Map(placement.fixups.map((fixup) => [fixup.chunk, fixup]));
  }

  /** @returns True if the target has another size than the saved disk. */
  get resized(): boolean {
    return this.#placement.resized;
  }

  /**
   * @returns The next chunk to `accept` before `close`, because only its content shows whether a
   *   fixup can be made.
   */
  get chunkToCheck(): number | undefined {
    for (const fixup of this.#placement.fixups) {
      if (!this.#held.has(fixup.chunk)) return fixup.chunk;
      const lacking = fixup.needs(this.#ownWrites(fixup.chunk)).find((one) => !this.#held.has(one));
      if (lacking !== undefined) return lacking;
    }
    return undefined;
  }

  /** @returns The chunks to write that are not gate chunks, ascending. */
  get body(): number[] {
    return this.#all().filter((chunk) => !this.#gateChunks.has(chunk));
  }

  /**
   * Finds out what the disk already holds. Only reads. A sector that cannot be read counts as
   * different, because a disk may remap it when it is written.
   *
   * @param delta - False: all chunks count as lacking.
   * @throws A system error if the disk is gone.
   */
  scan(delta: boolean, progress: ChunkProgress): DiskFindings {
    const all = this.#all();
    const fresh = { lacking: all, found: "fresh", remains: [] } as const;
    if (!delta) return fresh;
    const resumed = readable(() => this.#content.waitsForImage());
    const complete = !resumed && readable(() => this.#matchesLast());
    if (!resumed && !complete) return fresh;
    const differing = new Set<number>();
    this.#forEach(resumed ? this.body : all, progress, (chunk) => {
      if (!readable(() => this.#content.matches(chunk))) differing.add(chunk);
    });
    const remains = complete ? this.#content.remains() : [];
    if (complete && differing.size === 0 && remains.length === 0) {
      return { lacking: [], found: "unchanged", remains };
    }
    for (const chunk of this.#placement.gateChunks) differing.add(chunk);
    for (const chunk of this.#cleared()) differing.add(chunk);
    const lacking = [...differing].sort((left, right) => left - right);
    return { lacking, found: resumed ? "resumed" : "delta", remains };
  }

  /**
   * Clears everything by which firmware and kernels recognise the target, and writes the gate
   * record into the door.
   *
   * @param orderId - Names this run; at most 64 bytes.
   * @throws A system error if the disk cannot be written.
   */
  close(orderId: string): void {
    const zeros = this.#buffer.fill(0);
    for (const { start, end } of this.#placed.clear) {
      for (let at = start; at < end; at += zeros.byteLength) {
        this.#device.write(at, zeros.subarray(0, Math.min(zeros.byteLength, end - at)));
      }
    }
    const { door } = this.#placed;
    const sector = this.#buffer.subarray(0, door.end - door.start);
    sector.set(encodeGateRecord({ orderId, imageId: this.#index.imageId }));
    this.#gateRecord = sector.slice();
    this.#device.write(door.start, sector);
    this.#device.flush();
  }

  /**
   * Checks a record and writes its content, or keeps it for the gate.
   *
   * @param record - Header and stored bytes; read during the call only.
   * @throws {@link FormatError} if it is not what the image says; SituationError if its fixup
   *   cannot be made; a system error of the disk.
   */
  accept(chunk: number, record: Uint8Array): void {
    this.acceptDecoded(chunk, this.#decoder.decode(this.#index.table, chunk, record));
  }

  /**
   * Does as {@link accept} with content that was decoded, and compared, elsewhere.
   *
   * @param raw - All of its content; read during the call only.
   */
  acceptDecoded(chunk: number, raw: Uint8Array): void {
    const { table } = this.#index;
    if (!isPlaced(this.#placement, chunk)) return;
    if (this.#gateChunks.has(chunk)) {
      this.#held.set(chunk, raw.slice());
      this.#checkFixups(chunk);
      return;
    }
    for (const write of placedWrites(this.#placement, table, chunk, raw)) this.#write(write);
  }

  /** Waits until the medium holds everything. @throws A system error: do not go on after one. */
  flush(): void {
    this.#device.flush();
    this.#device.dropCache();
  }

  /**
   * Reads the body back from the medium, compares digests, and checks that blanks are zero. The
   * caller takes one step after the other, and may stop between two of them.
   *
   * @param level - A sample spread over the disk, or everything.
   * @returns After each step the bytes compared so far and those to compare; at the end the number
   *   of chunks compared.
   * @throws {@link FormatError} `verify_mismatch`.
   */
  *readBack(level: "sample" | "full"): Generator<readonly [ByteCount, ByteCount], number> {
    const { table } = this.#index;
    const chunks = sampleOf(this.body, level);
    const total = chunks.reduce((sum, chunk) => sum + table.entry(chunk).rawBytes, 0);
    let done = 0;
    for (const chunk of chunks) {
      if (!this.#content.matches(chunk)) throw mismatch(`chunk ${chunk}`);
      done += table.entry(chunk).rawBytes;
      yield [done, total];
    }
    for (const run of this.#placed.blank) {
      if (!this.#content.isBlank(run)) throw mismatch(`the blank bytes ${run.start} to ${run.end}`);
      yield [done, total];
    }
    return chunks.length;
  }

  /**
   * Writes everything by which the target is recognised, reads it back, and only then writes the
   * door.
   *
   * @throws {@link FormatError} `gate_incomplete` if a gate chunk was not delivered,
   *   `verify_mismatch`; a system error. The gate is then closed again, as far as the disk still
   *   works.
   */
  open(): void {
    const { door, others } = this.#opening();
    for (const write of others) this.#write(write);
    this.flush();
    for (const write of others) this.#compare(write);
    try {
      this.#write(door);
      this.flush();
      this.#compare(door);
    } catch (error) {
      this.#closeAgain();
      throw error;
    }
    this.#device.rereadTable();
  }

  /**
   * Checks, before anything is erased, whether anything would keep the gate from opening.
   *
   * @throws SituationError if a fixup cannot be made; {@link FormatError} `gate_incomplete`.
   */
  checkOpening(): void {
    this.#opening();
  }

  #opening(): Opening {
    const { gateChunks } = this.#placement;
    const writes = gateChunks.flatMap((chunk) => {
      const own = this.#ownWrites(chunk);
      const fixup = this.#fixups.get(chunk);
      return fixup?.make(own, this.#othersOf(fixup, own)) ?? own;
    });
    return cutAtDoor(writes, this.#placed.door);
  }

  /** Makes the fixups that depend on a chunk, if all that they need is there. */
  #checkFixups(chunk: number): void {
    for (const fixup of this.#placement.fixups) {
      if (!this.#held.has(fixup.chunk)) continue;
      const own = this.#ownWrites(fixup.chunk);
      const needs = fixup.needs(own);
      if (chunk !== fixup.chunk && !needs.includes(chunk)) continue;
      if (needs.every((one) => this.#held.has(one))) fixup.make(own, this.#othersOf(fixup, own));
    }
  }

  #othersOf(fixup: Fixup, own: readonly DiskWrite[]): DiskWrite[] {
    return fixup.needs(own).flatMap((chunk) => this.#ownWrites(chunk));
  }

  /** The writes of a gate chunk that was delivered, as it was saved. */
  #ownWrites(chunk: number): DiskWrite[] {
    const raw = this.#held.get(chunk);
    if (raw !== undefined) return placedWrites(this.#placement, this.#index.table, chunk, raw);
    const found = `chunk ${chunk} has not come`;
    throw new FormatError("gate_incomplete", `Cannot open the gate: ${found}`);
  }

  /** Best effort: the disk has just failed, and the caller reports the first fault. */
  #closeAgain(): void {
    try {
      if (this.#gateRecord !== undefined) {
        this.#device.write(this.#placed.door.start, this.#gateRecord);
      }
      this.#device.flush();
    } catch {
      // the caller throws the first fault
    }
  }

  #compare(write: DiskWrite): void {
    const { offset, bytes } = write;
    if (!this.#content.holds(write)) throw mismatch(`the ${bytes.byteLength} bytes at ${offset}`);
  }

  /** A finished load wrote this chunk last, so it tells whether the disk is complete. */
  #matchesLast(): boolean {
    const last = this.#placement.gateChunks.at(-1);
    return last === undefined || this.#content.chunk(last) !== undefined;
  }

  /** Chunks that closing the gate damages: they count as lacking even if their content is there. */
  #cleared(): number[] {
    const { table } = this.#index;
    const parts = this.#placed.clear.flatMap((run) => placedWithin(this.#placement, table, 0, run));
    return parts.map(({ chunk }) => chunk);
  }

  #write({ offset, bytes }: DiskWrite): void {
    const aligned = this.#buffer.subarray(0, bytes.byteLength);
    aligned.set(bytes);
    this.#device.write(offset, aligned);
    this.writtenBytes += bytes.byteLength;
  }

  #all(): number[] {
    const all: number[] = [];
    for (const { start, end } of this.#placement.chunks) {
      for (let chunk = start; chunk < end; chunk += 1) all.push(chunk);
    }
    return all;
  }

  #forEach(
    chunks: readonly number[],
    progress: ChunkProgress,
    work: (chunk: number) => void,
  ): void {
    const { table } = this.#index;
    const total = chunks.reduce((sum, chunk) => sum + table.entry(chunk).rawBytes, 0);
    let done = 0;
    for (const chunk of chunks) {
      work(chunk);
      done += table.entry(chunk).rawBytes;
      progress(done, total);
    }
  }
}

/** Takes the door out of the writes; the door is zeros if none of the writes reaches it. */
function cutAtDoor(writes: readonly DiskWrite[], { start, end }: Range): Opening {
  let door: DiskWrite = { offset: start, bytes: new Uint8Array(end - start) };
  const others: DiskWrite[] = [];
  for (const write of writes) {
    const { offset, bytes } = write;
    const cut = (from: number, to: number): DiskWrite => ({
      offset: Math.max(offset, from),
      bytes: bytes.subarray(Math.max(0, from - offset), Math.max(0, to - offset)),
    });
    if (offset <= start && start < offset + bytes.byteLength) door = cut(start, end);
    others.push(cut(0, start), cut(end, Infinity));
  }
  return { door, others: others.filter(({ bytes }) => bytes.byteLength > 0) };
}

/** @returns A buffer for a device without direct I/O. */
export function plainBuffer(): Uint8Array {
  return new Uint8Array(CHUNK_RAW_BYTES_MAX);
}

/** Evenly spread, so that damage to one stretch of the disk is found. */
function sampleOf(chunks: readonly number[], level: "sample" | "full"): readonly number[] {
  if (level === "full" || chunks.length <= SAMPLE_CHUNKS) return chunks;
  return Array.from(
    { length: SAMPLE_CHUNKS },
    (_, n) => chunks[Math.floor((n * chunks.length) / SAMPLE_CHUNKS)] ?? 0,
  );
}

function mismatch(what: string): FormatError {
  return new FormatError(
    "verify_mismatch",
    `Cannot trust the disk: ${what} read back differently from what was written`,
  );
}
