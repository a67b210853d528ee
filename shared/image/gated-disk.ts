/**
 * GatedDisk: one image on its way to one disk, in the order that keeps promise P2.
 *
 * Scan, close the gate, write the body, flush, read back, open the gate. Between `close` and the
 * end of `open` the disk has no table and no boot sector: sector 0 is the very last write, alone,
 * when all else is on the medium and compared. Every chunk is proven before a byte of it is
 * written. Chunks may come in any order and more than once; those that open the gate are kept in
 * memory until the end. Belongs to one thread.
 */
import assert from "node:assert/strict";
import { blake3, sameBytes } from "../core/digest.ts";
import { FormatError, codeOf } from "../core/errors.ts";
import type { ByteCount } from "../core/units.ts";
import type { BlockDevice } from "../disk/block-device.ts";
import { ChunkDecoder, type DiskWrite, writesOf } from "./chunk-decoder.ts";
import type { CodecPool } from "./codec-pool.ts";
import { moveGpt } from "./fixup.ts";
import {
  checkFits,
  chunksCleared,
  decodeGateRecord,
  encodeGateRecord,
  type GatePlan,
  planGate,
} from "./gate.ts";
import { CHUNK_RAW_BYTES_MAX } from "./limits.ts";
import type { ImageIndex } from "./reader.ts";

/** A sample reads back so many chunks, evenly spread; a smaller image is read back whole. */
const SAMPLE_CHUNKS = 460;

/** Told after every chunk; may throw to stop the work. Unit: bytes. */
export type ChunkProgress = (doneBytes: ByteCount, totalBytes: ByteCount) => void;

/** What was found on a disk. */
export interface DiskFindings {
  /** Chunks whose content must come, ascending; with gate chunks unless the disk is complete. */
  readonly lacking: readonly number[];
  /** `fresh`: something else; `resumed`: this image, begun; `delta`: complete but different. */
  readonly found: "fresh" | "resumed" | "delta" | "unchanged";
}

/** What opens the gate: sector 0, and all that must be in place before it. */
interface Opening {
  readonly first: DiskWrite;
  readonly others: readonly DiskWrite[];
}

/** An image and the disk it goes to. */
export class GatedDisk {
  /** Content written so far, gate included. Unit: bytes. */
  writtenBytes: ByteCount = 0;
  readonly #index: ImageIndex;
  readonly #device: BlockDevice;
  readonly #decoder: ChunkDecoder;
  readonly #gate: GatePlan;
  readonly #gateChunks: ReadonlySet<number>;
  readonly #skipped: ReadonlySet<number>;
  /** Raw content of gate chunks that have come. */
  readonly #held = new Map<number, Uint8Array>();
  /** What `close` wrote into sector 0. */
  #gateRecord: Uint8Array | undefined;
  /** Page-aligned memory of one chunk, for direct I/O. */
  readonly #buffer: Uint8Array;

  /**
   * Checks that the image fits; writes nothing.
   *
   * @param index - The image's; true to its id.
   * @param device - The target.
   * @param pool - Codec of this thread.
   * @param buffer - 1 MiB, page aligned where the device wants direct I/O.
   * @throws SituationError `disk_too_small`, `sector_size_differs`; {@link FormatError} of an image
   *   that no such disk can hold.
   */
  constructor(index: ImageIndex, device: BlockDevice, pool: CodecPool, buffer: Uint8Array) {
    checkFits(index.manifest, device.identity);
    this.#index = index;
    this.#device = device;
    this.#decoder = new ChunkDecoder(pool);
    this.#buffer = buffer;
    this.#gate = planGate(index.manifest, index.table, device.sectorCount * device.sectorBytes);
    this.#gateChunks = new Set(this.#gate.gateChunks);
    this.#skipped = new Set(this.#gate.skipped);
  }

  /** @returns True when the disk has another size than the saved one. */
  get resized(): boolean {
    return this.#gate.resized;
  }

  /** @returns The chunk to `accept` before `close`: only it shows that the GPT can be moved. */
  get headToCheck(): number | undefined {
    return this.#movesGpt() ? this.#head : undefined;
  }

  /** @returns Chunks that are not bound to the gate or to another disk's end, ascending. */
  get body(): number[] {
    return this.#all().filter((chunk) => !this.#gateChunks.has(chunk));
  }

  /**
   * Finds out what the disk already holds. Reads only; what cannot be read counts as different, for
   * a disk may give a sector up to whoever writes it.
   *
   * @param delta - False: all chunks count as lacking.
   * @param progress - See {@link ChunkProgress}.
   * @returns What was found.
   * @throws A system error when the disk is gone.
   */
  scan(delta: boolean, progress: ChunkProgress): DiskFindings {
    const all = this.#all();
    const fresh = { lacking: all, found: "fresh" } as const;
    if (!delta) return fresh;
    const resumed = readable(() => this.#waitsForThisImage());
    const complete = !resumed && readable(() => this.#matches(this.#head));
    if (!resumed && !complete) return fresh;
    const differing = new Set<number>();
    this.#forEach(resumed ? this.body : all, progress, (chunk) => {
      if (!readable(() => this.#matches(chunk))) differing.add(chunk);
    });
    if (complete && differing.size === 0) return { lacking: [], found: "unchanged" };
    for (const chunk of this.#gate.gateChunks) differing.add(chunk);
    for (const chunk of chunksCleared(this.#index.table, this.#gate.clear)) {
      if (!this.#skipped.has(chunk)) differing.add(chunk);
    }
    const lacking = [...differing].sort((left, right) => left - right);
    return { lacking, found: resumed ? "resumed" : "delta" };
  }

  /**
   * Clears what firmware and kernels recognise a disk by, and says in sector 0 what it waits for.
   *
   * @param orderId - Names this run; at most 64 bytes.
   * @throws A system error when the disk cannot be written.
   */
  close(orderId: string): void {
    const zeros = this.#buffer.fill(0);
    for (const { start, end } of this.#gate.clear) {
      for (let at = start; at < end; at += zeros.byteLength) {
        this.#device.write(at, zeros.subarray(0, Math.min(zeros.byteLength, end - at)));
      }
    }
    const sector = this.#buffer.subarray(0, this.#device.sectorBytes);
    sector.set(encodeGateRecord({ orderId, imageId: this.#index.imageId }));
    this.#gateRecord = sector.slice();
    this.#device.write(0, sector);
    this.#device.flush();
  }

  /**
   * Proves a record and writes its content, or keeps it for the gate.
   *
   * @param chunk - Its index.
   * @param record - Header and stored bytes; read during the call only.
   * @throws {@link FormatError} when it is not what the image says; SituationError
   *   `gpt_not_movable`; a system error of the disk.
   */
  accept(chunk: number, record: Uint8Array): void {
    const raw = this.#decoder.decode(this.#index.table, chunk, record);
    if (this.#skipped.has(chunk)) return;
    if (this.#gateChunks.has(chunk)) {
      if (chunk === this.headToCheck) this.#moveGpt(writesOf(this.#index.table, chunk, raw));
      this.#held.set(chunk, raw.slice());
      return;
    }
    for (const write of writesOf(this.#index.table, chunk, raw)) this.#write(write);
  }

  /** Waits until the medium holds everything. @throws A system error: final. */
  flush(): void {
    this.#device.flush();
    this.#device.dropCache();
  }

  /**
   * Reads the body back from the medium and compares digests.
   *
   * @param level - A sample spread over the disk, or everything.
   * @param progress - See {@link ChunkProgress}.
   * @returns Chunks compared.
   * @throws {@link FormatError} `verify_mismatch`.
   */
  readBack(level: "sample" | "full", progress: ChunkProgress): number {
    const chunks = sampleOf(this.body, level);
    this.#forEach(chunks, progress, (chunk) => {
      if (!this.#matches(chunk)) throw mismatch(`chunk ${chunk}`);
    });
    return chunks.length;
  }

  /**
   * Writes tables and boot sectors, reads them back, and only then writes sector 0.
   *
   * @throws {@link FormatError} `gate_incomplete` when a gate chunk has not come,
   *   `verify_mismatch`; a system error. The gate is closed then, as far as the disk still obeys.
   */
  open(): void {
    const { first, others } = this.#opening();
    for (const write of others) this.#write(write);
    this.flush();
    for (const write of others) this.#compare(write);
    try {
      this.#write(first);
      this.flush();
      this.#compare(first);
    } catch (error) {
      this.#closeAgain();
      throw error;
    }
    this.#device.rereadTable();
  }

  /**
   * Tells what would keep the gate from opening, before anything is erased.
   *
   * @throws SituationError `gpt_not_movable`; {@link FormatError} `gate_incomplete`.
   */
  checkOpening(): void {
    this.#opening();
  }

  #opening(): Opening {
    const writes = this.#gate.gateChunks.flatMap((chunk) => {
      const raw = this.#held.get(chunk);
      if (raw === undefined) {
        const found = `chunk ${chunk} has not come`;
        throw new FormatError("gate_incomplete", `Cannot open the gate: ${found}`);
      }
      const own = writesOf(this.#index.table, chunk, raw);
      return chunk === this.headToCheck ? this.#moveGpt(own) : own;
    });
    const { sectorBytes } = this.#device;
    const head = writes.find(({ offset }) => offset === 0);
    assert(head !== undefined, "planGate() refuses an image without sector 0");
    const first = { offset: 0, bytes: head.bytes.subarray(0, sectorBytes) };
    const behind = { offset: sectorBytes, bytes: head.bytes.subarray(sectorBytes) };
    const others = writes.map((write) => (write === head ? behind : write));
    return { first, others: others.filter(({ bytes }) => bytes.byteLength > 0) };
  }

  /** Best effort: the disk has just failed, and what is told is the first fault. */
  #closeAgain(): void {
    try {
      if (this.#gateRecord !== undefined) this.#device.write(0, this.#gateRecord);
      this.#device.flush();
    } catch {
      // the caller throws what went wrong first
    }
  }

  #compare({ offset, bytes }: DiskWrite): void {
    const found = new Uint8Array(bytes.byteLength);
    this.#device.read(offset / this.#device.sectorBytes, found);
    if (!sameBytes(found, bytes)) throw mismatch(`the ${bytes.byteLength} bytes at ${offset}`);
  }

  /** @throws SituationError `gpt_not_movable`. */
  #moveGpt(writes: readonly DiskWrite[]): readonly DiskWrite[] {
    const { sectorBytes, sectorCount } = this.#device;
    return writes.flatMap((write) => {
      if (write.offset !== 0) return [write];
      const { head, backup } = moveGpt(write.bytes, sectorBytes, sectorCount);
      return [backup, { offset: 0, bytes: head }];
    });
  }

  /** The chunk with sector 0. */
  get #head(): number {
    return this.#gate.gateChunks.at(-1) ?? 0;
  }

  #waitsForThisImage(): boolean {
    const sector = new Uint8Array(this.#device.sectorBytes);
    this.#device.read(0, sector);
    const record = decodeGateRecord(sector);
    return record !== undefined && sameBytes(record.imageId, this.#index.imageId);
  }

  #movesGpt(): boolean {
    return this.#gate.resized && this.#index.manifest.disk.table === "gpt";
  }

  /** Compares a chunk on the disk with its digest; a moved GPT is moved back in memory first. */
  #matches(chunk: number): boolean {
    const { table, manifest } = this.#index;
    const { rawBytes, rawDigest } = table.entry(chunk);
    let found = this.#buffer.subarray(0, rawBytes);
    const writes = writesOf(table, chunk, found);
    for (const { offset, bytes } of writes) {
      this.#device.read(offset / this.#device.sectorBytes, bytes);
    }
    if (chunk === this.headToCheck) {
      const { sizeBytes, sectorBytes } = manifest.disk;
      try {
        found = moveGpt(found, sectorBytes, sizeBytes / sectorBytes).head;
      } catch {
        return false; // no GPT there: another disk's content
      }
    }
    return sameBytes(blake3(found), rawDigest);
  }

  #write({ offset, bytes }: DiskWrite): void {
    const aligned = this.#buffer.subarray(0, bytes.byteLength);
    aligned.set(bytes);
    this.#device.write(offset, aligned);
    this.writtenBytes += bytes.byteLength;
  }

  #all(): number[] {
    const all: number[] = [];
    for (let chunk = 0; chunk < this.#index.table.count; chunk += 1) {
      if (!this.#skipped.has(chunk)) all.push(chunk);
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

/**
 * Runs a look at the disk; false when the medium cannot be read there.
 *
 * @throws A system error other than EIO.
 */
function readable(look: () => boolean): boolean {
  try {
    return look();
  } catch (error) {
    if (codeOf(error) === "EIO") return false;
    throw error;
  }
}

/** @returns A buffer that suits a device without direct I/O. */
export function plainBuffer(): Uint8Array {
  return new Uint8Array(CHUNK_RAW_BYTES_MAX);
}

/** Evenly spread, so that damage in one stretch of the disk is met. */
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
