/**
 * Reads sysfs and procfs, where any file may be missing: a driver may not know a value, the medium
 * may not have it, and a device may go while we look. What cannot be read is empty.
 */
import { readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { basename } from "node:path";
import { SituationError } from "../core/errors.ts";

/** Sizes in sysfs are in units of this, whatever sectors the disk has. Unit: bytes. */
export const SYSFS_SECTOR_BYTES = 512;

/**
 * Reads a file as text, without NULs and without blanks around it.
 *
 * @param skip - Leaves out so many bytes at the start.
 */
export function sysfsText(path: string, skip = 0): string {
  try {
    return readFileSync(path, "latin1").slice(skip).replaceAll("\0", "").trim();
  } catch {
    return "";
  }
}

/** Lists the names in a folder. */
export function sysfsNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * @param name - Kernel name of a block device or partition of this computer.
 * @returns Its size. Unit: bytes.
 * @throws A system error if there is no such device.
 */
export function deviceSizeBytes(name: string): number {
  const sectors = Number(readFileSync(`/sys/class/block/${name}/size`, "latin1"));
  return sectors * SYSFS_SECTOR_BYTES;
}

/**
 * The kernel name of a block device. It is found by the device's number, because a node may have
 * any name and lie in any folder (mknod, /dev/cciss).
 *
 * @param path - Of a device node, or a link to one.
 * @throws {@link SituationError} `no_device` if the kernel has none of that number; a system error.
 */
export function kernelNameOf(path: string): string {
  const number = deviceNumber(statSync(path).rdev);
  try {
    return basename(readlinkSync(`/sys/dev/block/${number}`));
  } catch (cause) {
    throw new SituationError(
      "no_device",
      `Cannot open "${path}": the kernel has no block device ${number}`,
      { cause, cure: "Check that the disk is connected; `lsblk` lists what the kernel has." },
    );
  }
}

/**
 * The number of a device as sysfs writes it, from how the C library packs it: 8 low bits of minor,
 * 12 of major, then the rest of both.
 */
export function deviceNumber(rdev: number): string {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
