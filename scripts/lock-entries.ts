/**
 * Finds the optional packages that a lock file names without having an entry for them.
 *
 * npm looks a dependency up from the folder of the package that wants it up to the root. A name
 * that is found nowhere on that way is missing. tidy.ts refuses such a lock file, lock.ts repairs
 * it. Format: https://docs.npmjs.com/cli/configuring-npm/package-lock-json, lockfileVersion 3.
 */

/** One entry of `packages`; only the fields used here. */
export interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A lock file: folder ("node_modules/a/node_modules/b") -> entry; the root's folder is "". */
export interface LockFile {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

/** An optional package without an entry. */
export interface MissingEntry {
  readonly name: string;
  readonly version: string;
  /** True if only a development package wants it. */
  readonly dev: boolean;
}

const systems = ["android", "darwin", "win32", "freebsd", "openharmony", "linux"];
const processors = ["arm64", "x64", "ia32", "arm", "ppc64", "riscv64", "s390x"];

/**
 * Lists every optional package that the lock file names but does not describe.
 *
 * @param lock - A lock file of version 3.
 * @returns In the order of the lock file; empty for a complete one.
 */
export function missingOptional(lock: LockFile): readonly MissingEntry[] {
  const missing = new Map<string, MissingEntry>();
  for (const [folder, entry] of Object.entries(lock.packages)) {
    if (folder === "") continue;
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isFound(lock, folder, name)) continue;
      missing.set(name, { name, version, dev: entry.dev === true });
    }
  }
  return [...missing.values()];
}

function isFound(lock: LockFile, from: string, name: string): boolean {
  let folder = from;
  while (folder !== "") {
    if (lock.packages[`${folder}/node_modules/${name}`] !== undefined) return true;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")));
  }
  return lock.packages[`node_modules/${name}`] !== undefined;
}

/**
 * Reads the platform out of a package name such as "@a/b-linux-arm64-musl".
 *
 * @param name - Package name with system and processor between hyphens.
 * @returns The lock file's `os`, `cpu` and, on Linux, `libc`.
 * @throws Error if the name tells no system or no processor: the entry would match everywhere.
 */
export function platformOf(name: string): LockEntry {
  const words = name.split(/[-/]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) {
    throw new Error(`Cannot complete the lock file: "${name}" names no platform`);
  }
  const libc = words.some((word) => word.startsWith("musl"))
    ? { libc: ["musl"] }
    : words.some((word) => word.startsWith("gnu"))
      ? { libc: ["glibc"] }
      : {};
  return { os: [os], cpu: [cpu], ...libc };
}
