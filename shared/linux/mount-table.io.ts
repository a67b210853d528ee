/**
 * Tells what is mounted from which block device.
 *
 * A mount names its device twice, by number and by source, and neither is always right. A file
 * system over several devices, such as Btrfs, has a number of its own (0:NN) that no device has,
 * and names one of its devices at most. So a mount belongs to a device if the numbers are equal, if
 * the source leads to the device, or if Btrfs says that one file system holds both. Sources:
 * proc(5) on mountinfo, fs/btrfs/sysfs.c.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { deviceNumber, sysfsNames } from "./sysfs.io.ts";

/** One mount of a device. */
export interface DeviceMount {
  /** Where it is mounted. */
  readonly place: string;
  /** True if something may write through it. */
  readonly writable: boolean;
}

interface Mount extends DeviceMount {
  /** "major:minor". */
  readonly number: string;
  readonly source: string;
}

/**
 * A mount in another mount namespace: nobody here can say how it is mounted, so it counts as
 * writable.
 */
const HIDDEN: DeviceMount = { place: "a place of another namespace", writable: true };

/** The mounts of this computer at one time. */
export class MountTable {
  readonly #mounts: readonly Mount[];
  /** Kernel names of the devices of each Btrfs file system in use. */
  readonly #volumes: readonly (readonly string[])[];

  /**
   * @param sys - Root of sysfs.
   * @param proc - Root of procfs.
   * @throws A system error if mountinfo cannot be read: then nothing counts as free.
   */
  constructor(sys = "/sys", proc = "/proc") {
    const lines = readFileSync(join(proc, "self/mountinfo"), "utf8").split("\n");
    this.#mounts = lines.flatMap(mountOf);
    const folder = join(sys, "fs/btrfs");
    // empty without Btrfs
    this.#volumes = sysfsNames(folder).map((volume) => sysfsNames(join(folder, volume, "devices")));
  }

  /**
   * @param name - Kernel name of a disk or partition, for example "sda1".
   * @param number - Its "major:minor".
   * @returns All mounts of the device; empty if it is free.
   */
  of(name: string, number: string): readonly DeviceMount[] {
    const volumes = this.#volumes.filter((devices) => devices.includes(name));
    const names = new Set([name, ...volumes.flat()]);
    const found = this.#mounts.filter(
      (mount) => mount.number === number || leadsTo(mount.source, names, number),
    );
    return found.length === 0 && volumes.length > 0 ? [HIDDEN] : found;
  }
}

/**
 * Field 3 is the number, 5 the place, 6 the options of the place. After a "-" come type, source and
 * options of the file system; "ro" there means that nothing can write, whatever the place says.
 */
function mountOf(line: string): Mount[] {
  const fields = line.split(" ");
  const separator = fields.indexOf("-", 6);
  const [, , number, , place, options] = fields;
  if (number === undefined || place === undefined) return [];
  const [, , source = "", own] = separator < 0 ? [] : fields.slice(separator);
  const writable = !(own ?? options ?? "").split(",").includes("ro");
  return [{ number, place: plainText(place), source: plainText(source), writable }];
}

/** mountinfo writes blanks and backslashes in octal. */
function plainText(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** True if a source is one of these devices. It may be a link, and may have been renamed since. */
function leadsTo(source: string, names: ReadonlySet<string>, number: string): boolean {
  if (!source.startsWith("/")) return false; // "tmpfs", "server:/export"
  if (names.has(source.replace(/^\/dev\//, "").replaceAll("/", "!"))) return true;
  try {
    if (names.has(basename(realpathSync(source)))) return true;
    const { rdev } = statSync(source);
    return rdev !== 0 && deviceNumber(rdev) === number;
  } catch {
    return false; // gone: the device now has another name
  }
}
