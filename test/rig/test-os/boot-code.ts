/**
 * BIOS boot code without grub-install: boot.img into sector 0, core.img to its place, two numbers.
 *
 * boot.img loads one sector, the first of core.img; its place is a number in boot.img. That sector
 * loads the rest, whose place is a number in the sector itself. GRUB 2.06:
 * include/grub/i386/pc/boot.h (GRUB_BOOT_MACHINE_KERNEL_SECTOR 0x5c) and the block list at the end
 * of diskboot.img (start 0x1f4, 8 bytes; length 0x1fc and segment 0x1fe, which grub-mkimage fills
 * in). No loop device and no mounted file system is needed.
 */
import { FormatError } from "../../../shared/core/errors.ts";

/** One piece of the disk to write. */
export interface BootPiece {
  /** Byte offset on the disk. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The place for the core image. */
export interface CorePlace {
  /** Its first sector. */
  readonly coreLba: number;
  /** How many sectors are there. */
  readonly coreSectorsMax: number;
}

/** Sector size of BIOS disks. Unit: bytes. */
const SECTOR_BYTES = 512;
/** Code of sector 0; signature and partition table follow. Unit: bytes. */
const MBR_CODE_BYTES = 440;
const KERNEL_SECTOR_AT = 0x5c;
const BLOCK_LIST_AT = 0x1f4;

/**
 * Works out what to write.
 *
 * @param boot - GRUB's boot.img: 512 bytes.
 * @param core - core.img of grub-mkimage for i386-pc.
 * @param place - The place for the core image.
 * @returns Code of sector 0 and the patched core image; the inputs are not changed.
 * @throws {@link FormatError} `boot_image` if a part is not what GRUB 2 makes, or does not fit.
 */
export function bootCode(
  boot: Uint8Array,
  core: Uint8Array,
  place: CorePlace,
): readonly BootPiece[] {
  const { coreLba, coreSectorsMax } = place;
  if (boot.length !== SECTOR_BYTES) {
    throw new FormatError("boot_image", `Cannot use boot.img: ${boot.length} bytes, 512 wanted`);
  }
  const sectors = Math.ceil(core.length / SECTOR_BYTES);
  if (sectors < 2 || sectors > coreSectorsMax) {
    const wanted = `2 to ${coreSectorsMax} wanted`;
    throw new FormatError("boot_image", `Cannot use core.img: ${sectors} sectors, ${wanted}`);
  }
  const code = boot.slice(0, MBR_CODE_BYTES);
  putU64(code, KERNEL_SECTOR_AT, coreLba);
  const image = core.slice();
  putU64(image, BLOCK_LIST_AT, coreLba + 1);
  return [
    { offset: 0, bytes: code },
    { offset: coreLba * SECTOR_BYTES, bytes: image },
  ];
}

function putU64(bytes: Uint8Array, offset: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(offset, BigInt(value), true);
}
