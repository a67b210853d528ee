/**
 * Finds out which parts of an image stand on its target, according to the placement. Only reads.
 *
 * A chunk stands there if its bytes, after its fixup was undone in memory, have the image's digest,
 * and if everything else that the fixup writes stands there as well. A blank stands there if it is
 * zero.
 */
import { blake3, sameBytes } from "../core/digest.ts";
import { codeOf } from "../core/errors.ts";
import { normalRanges, type Range, subtractRanges } from "../core/ranges.ts";
import type { SectorSource } from "../disk/source.ts";
import type { DiskWrite } from "../disk/block-device.ts";
import { decodeGateRecord } from "../disk/gate-record.ts";
import { placedWrites, type Placement } from "./placement.ts";
import type { ImageIndex } from "./reader.ts";

/** An image, and the placement that says where it goes. */
export interface PlacedIndex {
  /** Checked against its id. */
  readonly index: ImageIndex;
  /** Of one device, from `placeImage`. */
  readonly placement: Placement;
}

/** An image, and the disk that may hold it. Belongs to one thread. */
export class PlacedContent {
  readonly #index: ImageIndex;
  readonly #placement: Placement;
  readonly #source: SectorSource;
  readonly #buffer: Uint8Array;
  /** Runs that the fixups of the compared chunks wrote. Unit: bytes of the device. */
  readonly #made = new Map<number, readonly Range[]>();

  /** @param buffer - 1 MiB, 4-byte aligned; free between calls. */
  constructor(image: PlacedIndex, source: SectorSource, buffer: Uint8Array) {
    this.#index = image.index;
    this.#placement = image.placement;
    this.#source = source;
    this.#buffer = buffer;
  }

  /** Tells whether the door holds a gate record of this image. */
  waitsForImage(): boolean {
    const [device] = this.#placement.devices;
    if (device === undefined) return false;
    const { start, end } = device.door;
    const sector = new Uint8Array(end - start);
    this.#read(start, sector);
    const record = decodeGateRecord(sector);
    return record !== undefined && sameBytes(record.imageId, this.#index.imageId);
  }

  /** Tells whether a chunk stands on the disk, with everything that its fixup writes. */
  matches(chunk: number): boolean {
    const raw = this.chunk(chunk);
    const fixup = this.#fixupOf(chunk);
    if (raw === undefined || fixup === undefined) return raw !== undefined;
    const own = this.#writesOf(chunk, raw);
    const others: DiskWrite[] = [];
    for (const other of fixup.needs(own)) {
      const content = this.chunk(other);
      if (content === undefined) return false;
      others.push(...this.#writesOf(other, content));
    }
    const made = fixup.make(own, others);
    const places = made.map(({ offset, bytes }) => ({
      start: offset,
      end: offset + bytes.byteLength,
    }));
    this.#made.set(chunk, places);
    return made.every((write) => this.holds(write));
  }

  /**
   * Reads a chunk.
   *
   * @returns Its raw bytes, valid until the next call; undefined if they are not the image's.
   */
  chunk(chunk: number): Uint8Array | undefined {
    const { table } = this.#index;
    const { rawBytes, rawDigest } = table.entry(chunk);
    const found = this.#buffer.subarray(0, rawBytes);
    for (const { offset, bytes } of placedWrites(this.#placement, table, chunk, found)) {
      this.#read(offset, bytes);
    }
    const fixup = this.#fixupOf(chunk);
    const raw = fixup === undefined ? found : fixup.unmake(found);
    return raw !== undefined && sameBytes(blake3(raw), rawDigest) ? raw : undefined;
  }

  /**
   * Tells whether the disk holds these bytes at their place.
   *
   * @param write - Whole sectors.
   */
  holds(write: DiskWrite): boolean {
    const { offset, bytes } = write;
    const found = new Uint8Array(bytes.byteLength);
    this.#read(offset, found);
    return sameBytes(found, bytes);
  }

  /**
   * Looks for what a former owner left, once all chunks matched.
   *
   * @returns Blanks that are not zero or cannot be read, without the runs that fixups wrote. Unit:
   *   bytes.
   */
  remains(): Range[] {
    const blank = this.#placement.devices.flatMap((device) => device.blank);
    const left = subtractRanges(blank, normalRanges([...this.#made.values()].flat()));
    return left.filter((run) => !readable(() => this.isBlank(run)));
  }

  /**
   * Tells whether a run is zero.
   *
   * @param run - Whole sectors. Unit: bytes.
   */
  isBlank(run: Range): boolean {
    const { start, end } = run;
    for (let at = start; at < end; at += this.#buffer.byteLength) {
      const piece = this.#buffer.subarray(0, Math.min(this.#buffer.byteLength, end - at));
      this.#read(at, piece);
      const words = new Uint32Array(piece.buffer, piece.byteOffset, piece.byteLength / 4);
      if (words.some((word) => word !== 0)) return false;
    }
    return true;
  }

  /** The chunk at its place, in memory of its own. */
  #writesOf(chunk: number, raw: Uint8Array): DiskWrite[] {
    return placedWrites(this.#placement, this.#index.table, chunk, raw.slice());
  }

  #fixupOf(chunk: number): Placement["fixups"][number] | undefined {
    return this.#placement.fixups.find((fixup) => fixup.chunk === chunk);
  }

  #read(offset: number, into: Uint8Array): void {
    this.#source.read(offset / this.#source.sectorBytes, into);
  }
}

/**
 * Runs a check that reads the disk; false if the medium cannot be read there. (A disk may remap a
 * bad sector when it is written, so that is no reason to give up.)
 *
 * @throws A system error other than EIO.
 */
export function readable(look: () => boolean): boolean {
  try {
    return look();
  } catch (error) {
    if (codeOf(error) === "EIO") return false;
    throw error;
  }
}
