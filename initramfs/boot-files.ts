/**
 * Puts the boot files together: the large part, our bundle, and a manifest of both.
 *
 * The one idea: outputs are a function of the work tree, inputs.lock and the pinned Node.js
 * (whose zstd compresses), so two builds are equal bit for bit; no clock, host name, user or
 * folder enters. Each output replaces its predecessor by a rename, so a boot server that is
 * serving the folder never sends half a file.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

/** Content of `manifest.json`. */
export interface BootManifest {
  readonly format: 1;
  /** `uname -r` of the kernel. */
  readonly kernelRelease: string;
  readonly level: number;
  /** Version of the zstd library that compressed: another one gives other bytes. */
  readonly zstd: string;
  /** Size of the unpacked root file system, both archives. Unit: bytes. */
  readonly unpackedBytes: number;
  /** Output file -> size and SHA-256. */
  readonly outputs: Readonly<Record<string, { sizeBytes: number; sha256: string }>>;
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
export async function buildBootFiles(options: BuildOptions): Promise<BootManifest> {
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
  const manifest: BootManifest = {
    format: 1,
    kernelRelease: fixed.kernelRelease,
    level,
    zstd: process.versions["zstd"] ?? "",
    unpackedBytes: fixed.unpackedBytes + bundleBytes,
    outputs: describe(files),
    bundle: [...bundle.keys()],
    modules: fixed.modules,
    firmware: fixed.firmware,
    inputs: lock,
  };
  files.set("manifest.json", Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  writeAll(options.out, files);
  return manifest;
}

function describe(files: KeptPart["files"]): BootManifest["outputs"] {
  const outputs = [...files].map(([name, bytes]) => {
    return [name, { sizeBytes: bytes.length, sha256: sha256Of(bytes) }] as const;
  });
  return Object.fromEntries(outputs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function writeAll(out: string, files: KeptPart["files"]): void {
  mkdirSync(out, { recursive: true });
  for (const [name, bytes] of files) {
    const draft = join(out, `.${name}.${process.pid}`);
    writeFileSync(draft, bytes);
    renameSync(draft, join(out, name));
  }
}
