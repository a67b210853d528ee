/**
 * Reads a Debian mirror's index files: Release (digests of the indexes) and Packages (what there
 * is), and picks the kernel.
 *
 * Both are text in paragraphs of "Key: value" lines (deb-control(5), the Debian repository format).
 * Only the fields that the lock file needs are kept.
 */
import { FormatError } from "../shared/core/errors.ts";

/** One paragraph of Packages. */
export interface PackageRecord {
  readonly package: string;
  readonly version: string;
  /** Relative to the mirror. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly depends: string;
}

/** One file that Release vouches for. */
export interface ReleaseFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Finds the digest of an index in a Release file.
 *
 * @param release - The text, without signature.
 * @param path - Relative to the Release file, e.g. "main/binary-amd64/Packages.xz".
 * @returns Size and digest; undefined when Release does not name the file.
 */
export function releaseFile(release: string, path: string): ReleaseFile | undefined {
  let inSha256 = false;
  for (const line of release.split("\n")) {
    if (!line.startsWith(" ")) inSha256 = line.startsWith("SHA256:");
    const [sha256, size, name] = line.trim().split(/\s+/);
    if (!inSha256 || name !== path || sha256 === undefined) continue;
    if (!/^[0-9a-f]{64}$/.test(sha256) || !/^[0-9]{1,10}$/.test(size ?? "")) continue;
    return { sizeBytes: Number(size), sha256 };
  }
  return undefined;
}

/**
 * Finds a package in a Packages file.
 *
 * @param packages - The text.
 * @param name - Exact name.
 * @param version - Exact version, or undefined for the newest (the last given by the file).
 * @returns Its record.
 * @throws {@link FormatError} `packages_file` when it is not there, or lacks a field.
 */
export function findPackage(packages: string, name: string, version?: string): PackageRecord {
  let found: PackageRecord | undefined;
  const start = `Package: ${name}\n`;
  for (let at = 0; at !== -1 && at < packages.length; at = nextParagraph(packages, at)) {
    if (!packages.startsWith(start, at)) continue;
    const end = packages.indexOf("\n\n", at);
    const record = readRecord(packages.slice(at, end === -1 ? packages.length : end));
    if (version === undefined || record.version === version) found = record;
  }
  if (found !== undefined) return found;
  const wanted = version === undefined ? name : `${name} ${version}`;
  throw new FormatError("packages_file", `Cannot find package ${wanted}: not in Packages`);
}

/**
 * Picks the kernel that Debian's metapackage depends on: the newest of its suite.
 *
 * @param packages - Text of the suite's Packages file.
 * @returns The image package, e.g. of name "linux-image-6.12.95+deb12-amd64".
 * @throws {@link FormatError} `packages_file` when there is none, or its series is another.
 */
export function findKernel(packages: string): PackageRecord {
  const meta = findPackage(packages, "linux-image-amd64");
  const match = /(?:^|, )(linux-image-([0-9]+\.[0-9]+)\.[^ ,]+) \(= ([^)]+)\)/.exec(meta.depends);
  const [, name, series, version] = match ?? [];
  if (name === undefined || series !== KERNEL_SERIES) {
    throw new FormatError(
      "packages_file",
      `Cannot pick kernel: linux-image-amd64 depends on "${meta.depends}", ` +
        `linux-image-${KERNEL_SERIES}.* wanted`,
    );
  }
  return findPackage(packages, name, version);
}

function nextParagraph(text: string, at: number): number {
  const blank = text.indexOf("\n\n", at);
  return blank === -1 ? -1 : blank + 2;
}

function readRecord(paragraph: string): PackageRecord {
  const field = (key: string): string =>
    new RegExp(`^${key}: (.*)$`, "m").exec(paragraph)?.[1] ?? "";
  const record = {
    package: field("Package"),
    version: field("Version"),
    path: field("Filename"),
    sizeBytes: Number(field("Size")),
    sha256: field("SHA256"),
    depends: field("Depends"),
  };
  if (record.version !== "" && record.path !== "" && record.sha256 !== "") return record;
  throw new FormatError(
    "packages_file",
    `Cannot read package ${record.package}: Version, Filename and SHA256 wanted`,
  );
}

/** The long-term series that unpacks fast (zstd) and whose modules modules.txt names. */
const KERNEL_SERIES = "6.12";
