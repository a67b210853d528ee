/** A disk in memory, to read from. */
import type { SectorSource } from "../../shared/disk/source.ts";

/**
 * Makes a source of bytes in memory.
 *
 * @param bytes - Borrowed; its length is a multiple of `sectorBytes`.
 * @param sectorBytes - 512 or 4096.
 */
export function memorySource(bytes: Uint8Array, sectorBytes = 512): SectorSource {
  return {
    sectorBytes,
    sectorCount: Math.floor(bytes.byteLength / sectorBytes),
    read(lba, into) {
      const end = (lba + into.byteLength / sectorBytes) * sectorBytes;
      if (end > bytes.byteLength) throw new Error(`sectors to ${end} of ${bytes.byteLength} bytes`);
      into.set(bytes.subarray(lba * sectorBytes, lba * sectorBytes + into.byteLength));
    },
  };
}
