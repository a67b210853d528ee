/**
 * Reads sysfs and procfs, where any file may be missing: a driver may not know a value, the medium
 * may not have it, and a device may go while we look. What cannot be read is empty.
 */
import { readFileSync, readdirSync } from "node:fs";

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
