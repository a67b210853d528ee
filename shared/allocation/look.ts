/**
 * Looks at sectors that are not kept: are they zeros, or does something get lost?
 *
 * Zeros are worth no word, data is. Free space may be as long as the disk, so there is a limit to
 * what is read: a longer stretch is looked at in pieces that are spread over all of it, and the
 * answer says that it is not the whole truth.
 */
import { type Range, totalOfRanges } from "../core/ranges.ts";
import type { ByteCount, Lba } from "../core/units.ts";
import { readBytes, type SectorSource } from "../disk/source.ts";

/** Most bytes that are read to look at one disk: 5 to 10 s of a spinning disk. */
const LOOK_BYTES_MAX = 1 << 30;
/** Unit: bytes. */
const PIECE_BYTES = 1 << 20;
const ZEROS = new Uint8Array(PIECE_BYTES);

/** What was seen in one stretch. */
export interface Sight {
  /** First sector that was seen to hold anything but zeros; undefined if there was none. */
  readonly data: Lba | undefined;
  /** False if only pieces of it were looked at: what is undefined in `data` may be there. */
  readonly complete: boolean;
}

/**
 * Looks for data in stretches of a disk.
 *
 * @param stretches - Sectors, in any order, without overlap.
 * @param bytesMax - Most bytes to read, about; for a test.
 * @returns One answer for each stretch.
 * @throws A system error when the device fails.
 */
export function lookAt(
  source: SectorSource,
  stretches: readonly Range[],
  bytesMax: ByteCount = LOOK_BYTES_MAX,
): Sight[] {
  const total = totalOfRanges(stretches) * source.sectorBytes;
  /** Every so many pieces are read: 1 if all of them can be. */
  const stride = Math.max(1, Math.ceil(total / bytesMax));
  return stretches.map((stretch) => ({
    data: firstData(source, stretch, stride),
    complete: stride === 1,
  }));
}

function firstData(source: SectorSource, { start, end }: Range, stride: number): Lba | undefined {
  const { sectorBytes } = source;
  const pieceSectors = PIECE_BYTES / sectorBytes;
  for (let lba = start; lba < end; lba += pieceSectors * stride) {
    const count = Math.min(pieceSectors, end - lba);
    const bytes = readBytes(source, lba * sectorBytes, count * sectorBytes);
    if (Buffer.compare(bytes, ZEROS.subarray(0, bytes.byteLength)) === 0) continue;
    const first = bytes.findIndex((byte) => byte !== 0);
    return lba + Math.floor(first / sectorBytes);
  }
  return undefined;
}
