/**
 * Puts the boot files together: the large part, our bundle, and a manifest of both.
 *
 * The outputs depend only on the work tree, inputs.lock and the pinned Node.js (whose zstd
 * compresses), so two builds are equal bit for bit. No clock, host name, user or folder enters.
 * Each output replaces its predecessor by a rename, so a boot server that is serving the folder
 * never sends half a file.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MANIFEST_FORMAT, MANIFEST_NAME } from "../server/boot/boot-manifest.ts";
import type { BootFile, BootManifest } from "../server/boot/boot-manifest.ts";
import { bundleProgram } from "./bundle.ts";
import { fixedPart, packArchive } from "./fixed-cache.ts";
import type { KeptPart } from "./fixed-cache.ts";
import { parseLock } from "./lock.ts";
import type { InputsLock } from "./lock.ts";
import { sha256Of } from "./mirror.ts";

/** What to build, and where. */
export interface BuildOptions {
  /** The work tree. */
  readonly root: string;
  /** Folder for the outputs; made when missing. */
  readonly out: string;
  /** Folder for downloads and the large part; made when missing. */
  readonly cache: string;
  /** zstd level, 1 .. 19. */
  readonly level: number;
  /** Source of the program to run as PID 1. */
  readonly entry: string;
  /** Value of HUCK_DEBIAN_MIRROR. */
  readonly mirror: string | undefined;
}

/** Content of `manifest.json`: what the boot services read, and other facts for people. */
export interface BuildManifest extends BootManifest {
  /** `uname -r` of the kernel. */
  readonly kernelRelease: string;
  readonly level: number;
  /** Version of the zstd library that compressed: another one gives other bytes. */
  readonly zstd: string;
  /** Size of the unpacked root file system, both archives. Unit: bytes. */
  readonly unpackedBytes: number;
  /** Paths in the second archive. */
  readonly bundle: readonly string[];
  /** Kernel modules in the first archive. */
  readonly modules: readonly string[];
  /** Firmware files those modules may ask for, not in the archive. */
  readonly firmware: readonly string[];
  /** All foreign inputs. */
  readonly inputs: InputsLock;
}

/**
 * Builds everything.
 *
 * @param options - What and where.
 * @returns The manifest, as written to `manifest.json` in the output folder.
 * @throws {@link SituationError} and {@link FormatError} of the stages; esbuild's error when the
 *   program does not build. The output folder then keeps what it had.
 */
export async function buildBootFiles(options: BuildOptions): Promise<BuildManifest> {
  const { root, level } = options;
  const lock = parseLock(readFileSync(join(root, "initramfs/inputs.lock"), "utf8"));
  const bundle = await bundleProgram(root, options.entry);
  const { cache, mirror } = options;
  const fixed = await fixedPart({ root, lock, level, cache, mirror });
  const entries = [...bundle].map(([path, bytes]) => {
    const mode = path === "/init" ? 0o755 : 0o644;
    return { kind: "file", path: path.slice(1), mode, bytes } as const;
  });
  const initramfs = Buffer.concat([fixed.archive, packArchive(entries, level)]);
  const files = new Map([...fixed.files, ["initramfs.zst", initramfs] as const]);
  const bundleBytes = entries.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const manifest: BuildManifest = {
    format: MANIFEST_FORMAT,
    version: versionOf(root),
    files: describe(files),
    kernelRelease: fixed.kernelRelease,
    level,
    zstd: process.versions["zstd"] ?? "",
    unpackedBytes: fixed.unpackedBytes + bundleBytes,
    bundle: [...bundle.keys()],
    modules: fixed.modules,
    firmware: fixed.firmware,
    inputs: lock,
  };
  files.set(MANIFEST_NAME, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  writeAll(options.out, files);
  return manifest;
}

function versionOf(root: string): string {
  const text = readFileSync(join(root, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The files with their parts, sorted by name. */
function describe(files: KeptPart["files"]): BootFile[] {
  const described = [...files].map(([name, bytes]) => {
    const part = PARTS[name];
    assert(part !== undefined, `PARTS says which part ${name} plays`);
    return { name, ...part, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
  });
  return described.sort((left, right) => (left.name < right.name ? -1 : 1));
}

function writeAll(out: string, files: KeptPart["files"]): void {
  mkdirSync(out, { recursive: true });
  for (const [name, bytes] of files) {
    const draft = join(out, `.${name}.${process.pid}`);
    writeFileSync(draft, bytes);
    renameSync(draft, join(out, name));
  }
}

type Part<T> = T extends unknown ? Omit<T, "name" | "sizeBytes" | "sha256"> : never;

/** The part of each output. The boot server goes by this and never by a file's name. */
const PARTS: Readonly<Record<string, Part<BootFile>>> = {
  vmlinuz: { role: "kernel", architecture: "x64" },
  "initramfs.zst": { role: "archive", architecture: "x64", order: 0 },
  "undionly.kpxe": { role: "loader", architecture: "bios" },
  "snponly.efi": { role: "loader", architecture: "efi-x64" },
  // has network drivers of its own, for UEFI whose driver is broken: huck.yaml can name it
  "ipxe.efi": { role: "extra" },
  // for virtual machines that are started without firmware
  vmlinux: { role: "extra" },
};
