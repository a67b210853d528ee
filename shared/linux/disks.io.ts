/**
 * Lists the disks of this computer, with their identities and the reasons why one must not be
 * written.
 *
 * Everything is read from files of sysfs and procfs, whose roots are arguments, so a test uses a
 * folder of files as a computer. A disk is identified by what its maker wrote into it (serial,
 * WWN), never by its kernel name. Anything that cannot be read counts as unknown, never as free.
 * Sources: Documentation/ABI/stable/sysfs-block, proc(5) on swaps.
 */
import { readdirSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import type { DiskIdentity } from "../disk/block-device.ts";
import { MountTable } from "./mount-table.io.ts";
import { SYSFS_SECTOR_BYTES, sysfsNames, sysfsText } from "./sysfs.io.ts";

/** The places of sysfs and procfs. */
export interface SystemRoots {
  /** Default "/sys". */
  readonly sys?: string;
  /** Default "/proc". */
  readonly proc?: string;
}

/** Kernel names of block devices that are no disks of this computer, and what they are. */
const NO_DISKS: readonly (readonly [RegExp, string])[] = [
  [/^loop\d/, "a file seen as a disk"],
  [/^z?ram\d/, "memory"],
  [/^dm-\d/, "made of other disks by device-mapper"],
  [/^md\d/, "made of other disks by md"],
  [/^sr\d/, "an optical drive"],
  [/^fd\d/, "a floppy drive"],
  [/^nbd\d/, "a disk of another computer"],
  [/^mtdblock\d/, "raw flash memory"],
  [/boot\d$/, "the boot area of an eMMC"],
  [/rpmb$/, "the protected area of an eMMC"],
];

/**
 * @param roots - The places to read.
 * @returns All disks with a medium, by kernel name.
 */
export function listDisks(roots: SystemRoots = {}): readonly DiskIdentity[] {
  const folder = join(roots.sys ?? "/sys", "block");
  return readdirSync(folder)
    .filter((name) => whyNoDisk(name) === undefined)
    .sort()
    .map((name) => diskIdentity(name, roots))
    .filter((disk) => disk.sizeBytes > 0);
}

/**
 * Tells why a block device is not a disk that could be imaged.
 *
 * @param name - Kernel name, for example "loop0".
 * @returns What it is; undefined for a disk.
 * @internal Exported for a test.
 */
export function whyNoDisk(name: string): string | undefined {
  return NO_DISKS.find(([pattern]) => pattern.test(name))?.[1];
}

/**
 * Reads the identity of a disk.
 *
 * @param name - Kernel name of a whole disk, for example "sda".
 * @param roots - The places to read.
 * @returns Its identity; fields that the device does not report are empty.
 */
export function diskIdentity(name: string, roots: SystemRoots = {}): DiskIdentity {
  const folder = join(roots.sys ?? "/sys", "block", name);
  const text = (path: string): string => sysfsText(join(folder, path));
  const devicePath = resolved(join(folder, "device"));
  return {
    path: `/dev/${name.replaceAll("!", "/")}`,
    sizeBytes: Number(text("size")) * SYSFS_SECTOR_BYTES,
    sectorBytes: Number(text("queue/logical_block_size")) || SYSFS_SECTOR_BYTES,
    serial: text("serial") || text("device/serial") || unitSerial(join(folder, "device/vpd_pg80")),
    wwn: worldWideName(text("wwid") || text("device/wwid")),
    model: text("device/model") || text("device/name"),
    bus: busOf(name, devicePath),
    rotational: text("queue/rotational") === "1",
    removable: text("removable") === "1",
    inUse: usesOf(name, roots),
  };
}

function busOf(name: string, devicePath: string): DiskIdentity["bus"] {
  if (name.startsWith("nvme")) return "nvme";
  if (name.startsWith("mmcblk")) return "mmc";
  if (/\/usb\d/.test(devicePath)) return "usb";
  if (/\/ata\d+\//.test(devicePath)) return "ata";
  if (/\/virtio\d+(\/(?!host)|$)/.test(devicePath)) return "virtio";
  return name.startsWith("sd") ? "scsi" : "other";
}

/**
 * Refuses a name made from the T10 vendor id: it holds model and serial as text, and is no World
 * Wide Name.
 */
function worldWideName(wwid: string): string {
  return /^(naa|eui|nvme|uuid)\./.test(wwid) ? wwid : "";
}

/** SCSI page 80h: 4 bytes of header, then the serial number as text (SPC-5 7.7.19). */
function unitSerial(path: string): string {
  return sysfsText(path, 4);
}

function usesOf(name: string, roots: SystemRoots): readonly string[] {
  const folder = join(roots.sys ?? "/sys", "block", name);
  const proc = roots.proc ?? "/proc";
  const parts = [folder, ...partitionFolders(folder, name)];
  const uses: string[] = [];
  if (sysfsText(join(folder, "ro")) === "1") uses.push("read-only");
  const mounts = new MountTable(roots.sys, proc);
  for (const part of parts) {
    const label = basename(part);
    for (const { place } of mounts.of(label, sysfsText(join(part, "dev")))) {
      uses.push(
        place === "/" ? `${label} holds the running system` : `${label} mounted on ${place}`,
      );
    }
    for (const holder of sysfsNames(join(part, "holders"))) uses.push(`${label} held by ${holder}`);
  }
  const names = new Set(parts.map((part) => `/dev/${basename(part)}`));
  for (const swap of swapDevices(proc)) {
    if (names.has(swap)) uses.push(`${basename(swap)} is swap space`);
  }
  return uses;
}

function partitionFolders(folder: string, name: string): string[] {
  return sysfsNames(folder)
    .filter((entry) => entry.startsWith(name) && sysfsText(join(folder, entry, "partition")) !== "")
    .map((entry) => join(folder, entry));
}

function swapDevices(proc: string): readonly string[] {
  const lines = sysfsText(join(proc, "swaps")).split("\n").slice(1);
  return lines.map((line) => line.split(/\s/, 1)[0] ?? "");
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return ""; // a device without a parent
  }
}
