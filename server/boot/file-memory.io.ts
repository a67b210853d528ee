/**
 * Keeps the bytes of small published files in memory, for TFTP.
 *
 * Nodes that are switched on together fetch the same loader, which is then read only once, also by
 * those who ask while it is being read: so no number of requests makes more copies of a file. A
 * file that has changed on disk (size or time) is read again. Kernel and initramfs normally go by
 * HTTP, straight from disk, and never come here.
 */
import { openAsset } from "./asset-file.io.ts";
import type { BootAsset } from "./assets.ts";

/** Largest file that TFTP serves: room for kernel and initramfs of a signed GRUB. Unit: bytes. */
const FILE_BYTES_MAX = 96 << 20;
/** Most bytes kept; the files read longest ago go first. */
const KEPT_BYTES_MAX = 192 << 20;

interface Kept {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** Bytes of files, by path. */
export class FileMemory {
  readonly #kept = new Map<string, Kept>();
  /** Files that are being read. */
  readonly #reading = new Map<string, Promise<Uint8Array>>();

  /**
   * Gives the bytes of a file, read now or before. They are shared, so do not write to them.
   *
   * @throws As {@link openAsset}; RangeError above {@link FILE_BYTES_MAX}.
   */
  async read(asset: BootAsset): Promise<Uint8Array> {
    const { path, sizeBytes } = asset;
    if (sizeBytes > FILE_BYTES_MAX) {
      throw new RangeError(
        `Cannot serve "${path}" by TFTP: ${sizeBytes} bytes, at most ${FILE_BYTES_MAX} wanted`,
      );
    }
    const key = `${path} ${sizeBytes}`;
    const reading = this.#reading.get(key) ?? this.#readNow(asset);
    this.#reading.set(key, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(key);
    }
  }

  async #readNow(asset: BootAsset): Promise<Uint8Array> {
    const { path, sizeBytes } = asset;
    const { file, modifiedMs } = await openAsset(asset);
    try {
      const before = this.#kept.get(path);
      if (before?.modifiedMs === modifiedMs && before.bytes.byteLength === sizeBytes) {
        return before.bytes;
      }
      const bytes = await file.readFile();
      this.#keep(path, { bytes, modifiedMs });
      return bytes;
    } finally {
      await file.close();
    }
  }

  #keep(path: string, kept: Kept): void {
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    let total = 0;
    for (const one of this.#kept.values()) total += one.bytes.byteLength;
    for (const [oldest, one] of this.#kept) {
      if (total <= KEPT_BYTES_MAX) break;
      this.#kept.delete(oldest);
      total -= one.bytes.byteLength;
    }
  }
}
