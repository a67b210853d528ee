/**
 * SectorSource: a disk, partition or file that is read by sectors and never written.
 *
 * Reading is synchronous: a capture runs in a worker, where blocking is simple and fast. The
 * readers of partition tables and file systems do all their input through this interface.
 */
import { FormatError } from "../core/errors.ts";
import type { ByteCount, Lba } from "../core/units.ts";

/**
 * Sectors that can be read. A capture never writes, so there is no method to write (promise P5).
 */
export interface SectorSource {
  /** Logical sector size: 512 or 4096. Unit: bytes. */
  readonly sectorBytes: number;
  /** Number of logical sectors. */
  readonly sectorCount: number;
  /**
   * Fills `into` with consecutive sectors.
   *
   * @param lba - First sector.
   * @param into - Its length is a multiple of `sectorBytes`.
   * @throws {@link FormatError} `outside` beyond the end; a system error when the device fails.
   */
  read(lba: Lba, into: Uint8Array): void;
}

/**
 * Narrows a source to one partition.
 *
 * @param start - First sector of the partition.
 * @param sectorCount - Its length. Unit: sectors.
 * @returns A source whose sector 0 is `start`.
 * @throws {@link FormatError} `outside` if the partition does not lie on the disk.
 */
export function partitionSource(
  source: SectorSource,
  start: Lba,
  sectorCount: number,
): SectorSource {
  checkInside(source, start, sectorCount);
  const { sectorBytes } = source;
  return {
    sectorBytes,
    sectorCount,
    read(lba, into) {
      checkInside(this, lba, into.byteLength / sectorBytes);
      source.read(start + lba, into);
    },
  };
}

/**
 * Reads any run of bytes, aligned or not.
 *
 * @param offset - First byte. Unit: bytes.
 * @param length - Bounded by the caller. Unit: bytes.
 * @returns Fresh bytes.
 * @throws {@link FormatError} `outside` beyond the end of the source.
 */
export function readBytes(source: SectorSource, offset: ByteCount, length: number): Uint8Array {
  const { sectorBytes } = source;
  const first = Math.floor(offset / sectorBytes);
  const end = Math.ceil((offset + length) / sectorBytes);
  const sectors = new Uint8Array((end - first) * sectorBytes);
  checkInside(source, first, end - first);
  source.read(first, sectors);
  const start = offset - first * sectorBytes;
  return sectors.subarray(start, start + length);
}

function checkInside(source: SectorSource, lba: Lba, count: number): void {
  const inside =
    Number.isSafeInteger(lba) &&
    Number.isSafeInteger(count) &&
    lba >= 0 &&
    count >= 0 &&
    lba + count <= source.sectorCount;
  if (inside) return;
  throw new FormatError(
    "outside",
    `Cannot read ${count} sectors at ${lba}: the source has ${source.sectorCount}`,
  );
}
