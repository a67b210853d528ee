/**
 * A disk in memory: a BlockDevice over plain bytes that counts its writes.
 */
import type { BlockDevice } from "../../shared/disk/block-device.ts";

/** A disk in memory. */
export class MemoryDisk implements BlockDevice {
  readonly sectorBytes: number;
  readonly sectorCount: number;
  readonly alignment = 1;
  readonly identity: BlockDevice["identity"];
  readonly bytes: Uint8Array;
  writes = 0;

  /**
   * @param content - The bytes of the disk, which it owns from here on, or the size of a blank
   *   disk.
   * @param sectorBytes - Logical sector size; bytes behind the last whole sector do not belong to
   *   the disk.
   * @param inUse - What uses it; empty if nothing does.
   */
  constructor(content: Uint8Array | number, sectorBytes = 512, inUse: readonly string[] = []) {
    this.bytes = typeof content === "number" ? new Uint8Array(content) : content;
    this.sectorBytes = sectorBytes;
    this.sectorCount = Math.floor(this.bytes.byteLength / sectorBytes);
    const sizeBytes = this.sectorCount * sectorBytes;
    this.identity = {
      ...{ path: "memory", sizeBytes, sectorBytes, serial: "", wwn: "", model: "", bus: "other" },
      ...{ rotational: false, removable: false, inUse },
    } as const;
  }

  read(lba: number, into: Uint8Array): void {
    const offset = lba * this.sectorBytes;
    into.set(this.bytes.subarray(offset, offset + into.byteLength));
  }

  write(offset: number, bytes: Uint8Array): void {
    this.writes += 1;
    this.bytes.set(bytes, offset);
  }

  flush(): void {
    // memory is its own medium
  }

  dropCache(): void {
    // and has no cache
  }

  rereadTable(): boolean {
    return true;
  }

  close(): void {
    // nothing to give back
  }
}
