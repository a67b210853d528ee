/**
 * Disks in memory for tests: partition tables made here, and sparse vectors made by real tools.
 *
 * The tables are written after UEFI 2.10 sections 5.2 and 5.3, with no code of the readers.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { seededRandom } from "../../shared/core/random.ts";

/** A partition to be put into a table. */
export interface WantedPartition {
  readonly start: number;
  readonly sectorCount: number;
  /** First byte of the type GUID, or the MBR type. */
  readonly type?: number;
}

const LINUX_TYPE = Buffer.from("af3dc60f838472478e793d69d8477de4", "hex");

/** Writes both GPT copies and a protective MBR into a disk. */
export function putGpt(
  disk: Uint8Array,
  sectorBytes: number,
  partitions: readonly WantedPartition[],
): void {
  const sectorCount = disk.byteLength / sectorBytes;
  const entries = Buffer.alloc(128 * 128);
  partitions.forEach(({ start, sectorCount: count }, index) => {
    LINUX_TYPE.copy(entries, index * 128);
    entries.fill(index + 1, index * 128 + 16, index * 128 + 32);
    entries.writeBigUInt64LE(BigInt(start), index * 128 + 32);
    entries.writeBigUInt64LE(BigInt(start + count - 1), index * 128 + 40);
    entries.write(`part${index + 1}`, index * 128 + 56, "utf16le");
  });
  const last = sectorCount - 1;
  const entriesSectors = entries.byteLength / sectorBytes;
  const put = (lba: number, alternate: number, entriesLba: number): void => {
    const header = Buffer.alloc(sectorBytes);
    header.write("EFI PART", 0, "latin1");
    header.writeUInt32LE(0x10000, 8);
    header.writeUInt32LE(92, 12);
    header.writeBigUInt64LE(BigInt(lba), 24);
    header.writeBigUInt64LE(BigInt(alternate), 32);
    header.writeBigUInt64LE(BigInt(2 + entriesSectors), 40);
    header.writeBigUInt64LE(BigInt(last - entriesSectors - 1), 48);
    header.fill(0xd1, 56, 72);
    header.writeBigUInt64LE(BigInt(entriesLba), 72);
    header.writeUInt32LE(128, 80);
    header.writeUInt32LE(128, 84);
    header.writeUInt32LE(crc32(entries), 88);
    header.writeUInt32LE(crc32(header.subarray(0, 92)), 16);
    disk.set(header, lba * sectorBytes);
    disk.set(entries, entriesLba * sectorBytes);
  };
  put(1, last, 2);
  put(last, 1, last - entriesSectors);
  putMbr(disk, 0, [{ start: 1, sectorCount: sectorCount - 1, type: 0xee }]);
}

/** Writes an MBR or EBR at a byte offset; entries keep their order. */
export function putMbr(
  disk: Uint8Array,
  offset: number,
  partitions: readonly WantedPartition[],
): void {
  const view = new DataView(disk.buffer, disk.byteOffset + offset, 512);
  partitions.forEach(({ start, sectorCount, type = 0x83 }, index) => {
    view.setUint8(446 + index * 16 + 4, type);
    view.setUint32(446 + index * 16 + 8, start, true);
    view.setUint32(446 + index * 16 + 12, sectorCount, true);
  });
  view.setUint16(510, 0xaa55, true);
}

/** A disk of random bytes with an MBR of one partition. */
export function randomMbrDisk(
  seed: number,
  sizeBytes: number,
  partition: WantedPartition,
): Uint8Array {
  const random = seededRandom(seed);
  const disk = new Uint8Array(new Uint32Array(sizeBytes / 4).map(() => random.u32()).buffer);
  disk.fill(0, 446, 510);
  putMbr(disk, 0, [partition]);
  return disk;
}

/** A vector: what a real tool wrote, without the sectors that are zero. */
export interface SparseVector {
  readonly madeBy: string;
  readonly sectorCount: number;
  readonly sectors: Readonly<Record<string, string>>;
  /** Free blocks as the file system's own tool lists them, half-open. */
  readonly free?: readonly (readonly [number, number])[];
  readonly blockBytes?: number;
}

/** Reads a vector below test/vectors. */
export function readVector(path: string): SparseVector {
  const folder = join(import.meta.dirname, "../vectors");
  return JSON.parse(readFileSync(join(folder, path), "utf8")) as SparseVector;
}

/** The disk that a vector describes. */
export function diskOf(vector: SparseVector): Uint8Array {
  const disk = new Uint8Array(vector.sectorCount * 512);
  for (const [lba, hex] of Object.entries(vector.sectors)) {
    disk.set(Buffer.from(hex, "hex"), Number(lba) * 512);
  }
  return disk;
}

/** Flips one bit at a time and calls `visit` with the disk; afterwards the disk is as before. */
export function forEachFlip(
  disk: Uint8Array,
  offsets: Iterable<number>,
  visit: (offset: number) => void,
): void {
  for (const offset of offsets) {
    const bit = 1 << ((offset * 5 + 3) % 8);
    disk[offset] = (disk[offset] ?? 0) ^ bit;
    visit(offset);
    disk[offset] = (disk[offset] ?? 0) ^ bit;
  }
}

/** Whole numbers from `start` up to, not including, `end`. */
export function* span(start: number, end: number): Generator<number> {
  for (let value = start; value < end; value += 1) yield value;
}
