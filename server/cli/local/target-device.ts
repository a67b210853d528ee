/**
 * The disk or file that a restore writes to: it remembers whether it was touched, because then no
 * way out may say "refused" (promise P15), and its errors name it.
 */
import type { BlockDevice, DiskIdentity } from "../../../shared/disk/block-device.ts";
import { withPath } from "../system-error.ts";

/** How a {@link TargetDevice} differs from the device below it. */
export interface TargetShape {
  /** As the operator typed it. */
  readonly path: string;
  /** Sector size that the content was made for; at least that of the device. Unit: bytes. */
  readonly sectorBytes: number;
}

/** A device under the name that was typed, with the image's sector size. */
export class TargetDevice implements BlockDevice {
  readonly identity: DiskIdentity;
  readonly sectorBytes: number;
  readonly sectorCount: number;
  readonly alignment: number;
  readonly #device: BlockDevice;
  readonly #path: string;
  readonly #scale: number;
  #touched = false;

  /** @param device - Owned: closed with this one. */
  constructor(device: BlockDevice, { path, sectorBytes }: TargetShape) {
    this.#device = device;
    this.#path = path;
    this.#scale = sectorBytes / device.sectorBytes;
    this.sectorBytes = sectorBytes;
    this.sectorCount = Math.floor(device.sectorCount / this.#scale);
    this.alignment = device.alignment;
    const sizeBytes = this.sectorCount * sectorBytes;
    this.identity = { ...device.identity, path, sectorBytes, sizeBytes };
  }

  /** True from the first try to change it. */
  get touched(): boolean {
    return this.#touched;
  }

  read(lba: number, into: Uint8Array): void {
    this.#do(() => {
      this.#device.read(lba * this.#scale, into);
    });
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#touched = true;
    this.#do(() => {
      this.#device.write(offset, bytes);
    });
  }

  flush(): void {
    this.#do(() => {
      this.#device.flush();
    });
  }

  dropCache(): void {
    this.#device.dropCache();
  }

  rereadTable(): boolean {
    return this.#device.rereadTable();
  }

  close(): void {
    this.#device.close();
  }

  #do<Result>(work: () => Result): Result {
    return withPath(this.#path, work);
  }
}
