/**
 * Opens a Debian package: the files it would install, without dpkg and without root.
 *
 * A package is an ar archive that holds data.tar.{xz,zst,gz} (deb(5)). Node.js unpacks zstd and
 * gzip; for xz, which Debian 12 uses, the program `xz` (package xz-utils) runs as a filter.
 */
import { spawnSync } from "node:child_process";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { FormatError, SituationError } from "../shared/core/errors.ts";
import { readAr } from "./ar.ts";
import type { TarEntry } from "./tar.ts";
import { readTar } from "./tar.ts";

/** Paths in a package -> content; links inside the package are followed. */
export class PackageFiles {
  readonly #entries = new Map<string, TarEntry>();
  readonly #what: string;

  /**
   * @param entries - All entries of the data archive.
   * @param what - Package and version, for messages.
   */
  constructor(entries: readonly TarEntry[], what: string) {
    this.#what = what;
    for (const entry of entries) this.#entries.set(entry.path, entry);
  }

  /** @returns All paths, sorted. */
  paths(): string[] {
    return [...this.#entries.keys()].sort();
  }

  /**
   * Reads a file.
   *
   * @param path - Without leading slash, e.g. "boot/vmlinuz-6.12".
   * @returns Its content, a view into the package.
   * @throws {@link SituationError} `package_file` when there is no such file in this package.
   */
  read(path: string): Uint8Array {
    let at = path;
    for (let link = 0; link < LINKS_MAX; link++) {
      const entry = this.#entries.get(at);
      if (entry?.kind === "file") return entry.bytes;
      if (entry === undefined || entry.kind === "directory") break;
      at = entry.kind === "symlink" ? resolveLink(at, entry.target) : entry.target;
      at = at.replace(/^(\.?\/)+/, "");
    }
    throw new SituationError(
      "package_file",
      `Cannot read "${path}": not a file in package ${this.#what}, a file wanted`,
      { cure: "Another version laid it out anew: adapt initramfs/fixed.ts." },
    );
  }
}

/**
 * Opens a package.
 *
 * @param deb - The .deb file.
 * @param what - Package and version, for messages.
 * @returns Its files.
 * @throws {@link FormatError} `deb_malformed`, `ar_malformed`, `tar_malformed`;
 *   {@link SituationError} `xz_missing`.
 */
export function openDeb(deb: Uint8Array, what: string): PackageFiles {
  const members = readAr(deb);
  const data = members.find(({ name }) => name === "data.tar" || name.startsWith("data.tar."));
  if (members[0]?.name !== "debian-binary" || data === undefined) {
    const found = members.map(({ name }) => name).join(", ");
    throw new FormatError(
      "deb_malformed",
      `Cannot open package ${what}: members "${found}", "debian-binary" and "data.tar" wanted`,
    );
  }
  return new PackageFiles(readTar(decompress(data.bytes, data.name)), what);
}

/**
 * Unpacks a compressed file; the end of its name says how it is compressed.
 *
 * @param bytes - Compressed content.
 * @param name - Ends in ".xz", ".gz" or ".zst"; any other ending means not compressed.
 * @returns The content; the same view when it is not compressed.
 * @throws {@link FormatError} `decompress`; {@link SituationError} `xz_missing`.
 */
export function decompress(bytes: Uint8Array, name: string): Uint8Array {
  if (name.endsWith(".xz")) return unxz(bytes, name);
  try {
    if (name.endsWith(".gz")) return gunzipSync(bytes, { maxOutputLength: UNPACKED_MAX });
    if (name.endsWith(".zst")) return zstdDecompressSync(bytes, { maxOutputLength: UNPACKED_MAX });
  } catch (cause) {
    throw new FormatError("decompress", `Cannot unpack "${name}": bad content`, { cause });
  }
  return bytes;
}

function unxz(bytes: Uint8Array, name: string): Uint8Array {
  const run = spawnSync("xz", ["-dc"], { input: bytes, maxBuffer: UNPACKED_MAX });
  if (run.error !== undefined && "code" in run.error && run.error.code === "ENOENT") {
    throw new SituationError("xz_missing", `Cannot unpack "${name}": no program xz, xz wanted`, {
      cure: "Install the package xz-utils.",
      cause: run.error,
    });
  }
  if (run.status === 0 && run.error === undefined) return run.stdout;
  const found = run.error?.message ?? run.stderr.toString().trim();
  throw new FormatError("decompress", `Cannot unpack "${name}": ${found}, xz content wanted`);
}

function resolveLink(path: string, target: string): string {
  if (target.startsWith("/")) return target;
  const parts = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** So many links are followed at most. */
const LINKS_MAX = 8;

/** Largest unpacked package; Debian's kernel has 130 MB. Unit: bytes. */
const UNPACKED_MAX = 1024 * 1024 * 1024;
