/**
 * A disk in memory, for walks: a BlockDevice over plain bytes.
 */
import type { BlockDevice } from "../../shared/disk/block-device.ts";

/** A disk in memory with 512-byte sectors. */
export class MemoryDisk implements BlockDevice {
  readonly sectorBytes = 512;
  readonly sectorCount: number;
  readonly alignment = 1;
  readonly identity: BlockDevice["identity"];
  readonly bytes: Uint8Array;

  /** @param bytes - Whole sectors; the disk's content from here on. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.sectorCount = bytes.byteLength / 512;
    this.identity = {
      path: "memory",
      sizeBytes: bytes.byteLength,
      sectorBytes: 512,
      serial: "",
      wwn: "",
      model: "",
      bus: "other",
      rotational: false,
      removable: false,
      inUse: [],
    };
  }

  read(lba: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(lba * 512, lba * 512 + into.byteLength));
  }

  write(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
  }

  discard(): boolean {
    return false;
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
