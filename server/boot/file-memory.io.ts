/**
 * The bytes of small published files, kept in memory for TFTP.
 *
 * Forty nodes that are switched on together fetch the same loader; it is read once. A file that
 * changed on disk (size or time) is read again. Kernel and initramfs normally go by HTTP, straight
 * from disk, and never come here.
 */
import { open } from "node:fs/promises";

/** Largest file served by TFTP: a signed GRUB's kernel and initramfs, with room. Unit: bytes. */
const FILE_BYTES_MAX = 96 << 20;
/** Most bytes kept; the oldest files go first. */
const KEPT_BYTES_MAX = 192 << 20;

interface Kept {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** Files by path, with their bytes. */
export class FileMemory {
  readonly #kept = new Map<string, Kept>();

  /**
   * Reads a file, or gives the bytes read before.
   *
   * @param path - Absolute path out of the published table.
   * @returns Its bytes, shared: read-only.
   * @throws The system's error, or RangeError above {@link FILE_BYTES_MAX}.
   */
  async read(path: string): Promise<Uint8Array> {
    const file = await open(path);
    try {
      const { size, mtimeMs } = await file.stat();
      const before = this.#kept.get(path);
      if (before?.modifiedMs === mtimeMs && before.bytes.byteLength === size) return before.bytes;
      if (size > FILE_BYTES_MAX) {
        throw new RangeError(
          `Cannot serve "${path}" by TFTP: ${size} bytes, at most ${FILE_BYTES_MAX} wanted`,
        );
      }
      const bytes = await file.readFile();
      this.#keep(path, { bytes, modifiedMs: mtimeMs });
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
