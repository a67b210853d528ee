/**
 * Tells whether writing to a disk or file would destroy an image: the target is the image under
 * another name, or what the image stands on.
 *
 * Names prove nothing: the same file may have a second name (hard link, bind mount), may be a loop
 * device, and its file system may lie on a partition, on LVM, on a loop device over a file, and so
 * on downwards. So files are compared by device and inode, block devices by number, and sysfs says
 * what lies beneath what. Sources: Documentation/ABI/testing/sysfs-block, proc(5) on mountinfo.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { sysfsNames, sysfsText } from "../../../shared/linux/sysfs.io.ts";

/** Places of sysfs and procfs; a test has its own. */
export interface SystemFolders {
  readonly sys?: string;
  readonly proc?: string;
}

/**
 * Says why a target must not be written to.
 *
 * @param target - Existing file or block device.
 * @param image - Path of the image file.
 * @returns The reason as part of a sentence; undefined if the image survives.
 * @throws A system error if image or target cannot be looked at.
 */
export function tieBetween(
  target: string,
  image: string,
  { sys = "/sys", proc = "/proc" }: SystemFolders = {},
): string | undefined {
  const below = new Beneath(sys, proc);
  const own = keyOf(image);
  const written = below.written(target);
  if (written.whole[0] === own) return "it is the image itself";
  if ([...written.whole, ...written.partly].includes(own)) return "it stands for the image itself";
  // The folder counts too: the image may be a link in a store that lies elsewhere.
  const holders = new Set([...below.file(image), ...below.file(dirname(image))]);
  return written.whole.some((key) => holders.has(key)) ? "the image lies on it" : undefined;
}

/** Bounds the way down, if sysfs should ever lead in a circle. */
const STEPS_MAX = 256;

class Beneath {
  readonly #sys: string;
  readonly #mounts: readonly Mount[];

  constructor(sys: string, proc: string) {
    this.#sys = sys;
    const lines = readFileSync(join(proc, "self/mountinfo"), "utf8").split("\n");
    this.#mounts = lines.flatMap(mountOf);
  }

  /** The keys of a file and of everything that it stands on. */
  file(path: string): ReadonlySet<string> {
    const found = new Set([keyOf(path)]);
    const devices = this.#devicesUnder(path);
    for (let number = devices.pop(); number !== undefined; number = devices.pop()) {
      if (found.has(blockKey(number)) || found.size > STEPS_MAX) continue;
      found.add(blockKey(number));
      const backing = this.#backing(number);
      if (backing !== undefined) {
        found.add(keyOf(backing));
        devices.push(...this.#devicesUnder(backing));
      }
      devices.push(...this.#parent(number), ...this.#slaves(number));
    }
    return found;
  }

  /**
   * The keys of what a write to the target changes: all of it (`whole`, the target first), or a
   * part of it that nobody can tell, because a mapping lies between (`partly`).
   */
  written(target: string): {
    readonly whole: readonly string[];
    readonly partly: readonly string[];
  } {
    const whole = [keyOf(target)];
    const partly: string[] = [];
    const devices = numberAt(target).map((number) => ({ number, into: whole }));
    for (let step = 0; step < Math.min(devices.length, STEPS_MAX); step += 1) {
      const { number, into } = devices[step] ?? { number: "", into: partly };
      const backing = this.#backing(number);
      if (backing !== undefined) {
        into.push(keyOf(backing));
        devices.push(...numberAt(backing).map((one) => ({ number: one, into })));
      }
      for (const slave of this.#slaves(number)) {
        partly.push(blockKey(slave));
        devices.push({ number: slave, into: partly });
      }
    }
    return { whole, partly };
  }

  /** Numbers of the devices of a file system that holds a path, or of the device that it is. */
  #devicesUnder(path: string): string[] {
    const place = realpathSync(path);
    const own = numberAt(place);
    if (own.length > 0) return own;
    const holding = this.#mounts.filter((mount) => isIn(place, mount.place));
    const mount = holding.toSorted((left, right) => left.place.length - right.place.length).at(-1);
    if (mount === undefined) return [];
    const folders = mount.layers.filter((layer) => layer !== place && exists(layer));
    return [
      ...(sysfsText(join(this.#folder(mount.number), "dev")) === "" ? [] : [mount.number]),
      ...(exists(mount.source) ? this.#volume(numberAt(mount.source)) : []),
      ...folders.flatMap((folder) => this.#numberOfFolder(folder)),
    ];
  }

  /** A layer of an overlay: only the device that it lies on counts. */
  #numberOfFolder(folder: string): string[] {
    const number = numberText(statSync(folder, { bigint: true }).dev);
    return sysfsText(join(this.#folder(number), "dev")) === "" ? [] : [number];
  }

  /** All devices of a Btrfs file system, if the device belongs to one. */
  #volume(numbers: readonly string[]): string[] {
    const folder = join(this.#sys, "fs/btrfs");
    const volumes = sysfsNames(folder).map((name) => {
      const devices = join(folder, name, "devices");
      return sysfsNames(devices).map((device) => sysfsText(join(devices, device, "dev")));
    });
    return [...numbers, ...volumes.filter((one) => numbers.some((n) => one.includes(n))).flat()];
  }

  #folder(number: string): string {
    return join(this.#sys, "dev/block", number);
  }

  #backing(number: string): string | undefined {
    const backing = sysfsText(join(this.#folder(number), "loop/backing_file"));
    return backing !== "" && exists(backing) ? backing : undefined;
  }

  #parent(number: string): string[] {
    if (sysfsText(join(this.#folder(number), "partition")) === "") return [];
    const parent = sysfsText(join(realpathSync(this.#folder(number)), "../dev"));
    return parent === "" ? [] : [parent];
  }

  #slaves(number: string): string[] {
    const folder = join(this.#folder(number), "slaves");
    return sysfsNames(folder).map((name) => sysfsText(join(folder, name, "dev")));
  }
}

interface Mount {
  /** "major:minor". */
  readonly number: string;
  readonly place: string;
  readonly source: string;
  /** Folders that an overlay shows. */
  readonly layers: readonly string[];
}

/** Later mounts hide earlier ones of the same place, and come later in the list. */
function mountOf(line: string): Mount[] {
  const fields = line.split(" ").map(plainText);
  const separator = fields.indexOf("-", 6);
  const [, , number, , place] = fields;
  if (separator < 0 || number === undefined || place === undefined) return [];
  const [, , source = "", options = ""] = fields.slice(separator);
  const layers = options.split(",").flatMap((option) => {
    const [name = "", value = ""] = option.split("=", 2);
    return ["lowerdir", "upperdir"].includes(name) ? value.split(":") : [];
  });
  return [{ number, place, source, layers }];
}

/** mountinfo writes blanks and backslashes in octal. */
function plainText(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function isIn(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

function exists(path: string): boolean {
  return path.startsWith("/") && statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The number of a block device; nothing for a file. */
function numberAt(path: string): string[] {
  const stat = statSync(path, { bigint: true });
  return stat.isBlockDevice() ? [numberText(stat.rdev)] : [];
}

function keyOf(path: string): string {
  const stat = statSync(path, { bigint: true });
  return stat.isBlockDevice() ? blockKey(numberText(stat.rdev)) : `file ${stat.dev} ${stat.ino}`;
}

function blockKey(number: string): string {
  return `block ${number}`;
}

/** As the C library packs it: 8 low bits of the minor, 12 of the major, then the rest of both. */
function numberText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
