/**
 * Makes the large part once, and keeps it under the digest of what it is made from.
 *
 * The key covers the lock file, modules.txt, the compression level, the sources of this folder and
 * the zstd library of the running Node.js, so a kept part is never stale and the cache never needs
 * to be cleared. A part appears under its key by one rename, so builds that run at once do not
 * disturb each other.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { z } from "zod";
import { codeOf } from "../shared/core/errors.ts";
import { writeCpio } from "./cpio.ts";
import type { CpioEntry } from "./cpio.ts";
import { openDeb } from "./deb.ts";
import type { PackageFiles } from "./deb.ts";
import { layOut } from "./fixed.ts";
import type { FixedPart } from "./fixed.ts";
import { inputOf } from "./lock.ts";
import type { DebianInput, InputsLock } from "./lock.ts";
import { debianMirrors, fetchPinned } from "./mirror.ts";
import { readNpmInput } from "./npm-inputs.ts";

/** All that the large part depends on, and where to keep it. */
export interface FixedRequest {
  /** The work tree. */
  readonly root: string;
  readonly lock: InputsLock;
  /** zstd level, 1 .. 19. */
  readonly level: number;
  /** Folder of the cache; made when missing. */
  readonly cache: string;
  /** Value of HUCK_DEBIAN_MIRROR. */
  readonly mirror: string | undefined;
}

const summary = z.strictObject({
  kernelRelease: z.string(),
  modules: z.array(z.string()),
  firmware: z.array(z.string()),
  /** Size of the archive before compression. Unit: bytes. */
  unpackedBytes: z.number(),
  /** Outputs beside the archive. */
  outputs: z.array(z.string()),
});

/** A finished large part. */
export interface KeptPart extends z.infer<typeof summary> {
  /** The compressed archive. */
  readonly archive: Uint8Array;
  /** Output name -> content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Gives the large part, from the cache or newly made.
 *
 * @param request - What decides it.
 * @returns The part; equal requests give equal bytes.
 * @throws {@link SituationError} and {@link FormatError} as fetching and laying out the part do.
 */
export async function fixedPart(request: FixedRequest): Promise<KeptPart> {
  const folder = join(request.cache, "fixed", cacheKey(request));
  const kept = readKept(folder);
  if (kept !== undefined) return kept;
  const part = await makePart(request);
  const archive = writeCpio(part.entries);
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  for (const [name, bytes] of part.outputs) writeFileSync(join(draft, name), bytes);
  writeFileSync(join(draft, ARCHIVE), compress(archive, request.level));
  const { kernelRelease, modules, firmware } = part;
  const outputs = [...part.outputs.keys()];
  const description = { kernelRelease, modules, firmware, unpackedBytes: archive.length, outputs };
  writeFileSync(join(draft, SUMMARY), JSON.stringify(description));
  publish(draft, folder);
  const made = readKept(folder);
  if (made === undefined) throw new Error(`${folder} vanished while it was made`);
  return made;
}

/**
 * Packs entries into one compressed archive of the initramfs.
 *
 * @param entries - Content of the archive.
 * @param level - zstd level, 1 .. 19: above that the window outgrows a small node's memory.
 * @returns One zstd frame with a checksum, as the kernel's unpacker takes it.
 */
export function packArchive(entries: readonly CpioEntry[], level: number): Uint8Array {
  return compress(writeCpio(entries), level);
}

function compress(bytes: Uint8Array, level: number): Uint8Array {
  // No nbWorkers: with threads, zstd cuts the content by their number and the output changes.
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  return zstdCompressSync(bytes, { params });
}

function cacheKey(request: FixedRequest): string {
  const key = createHash("sha256");
  key.update(JSON.stringify([request.lock, request.level, process.versions["zstd"]]));
  const folder = join(request.root, "initramfs");
  for (const name of readdirSync(folder).sort()) {
    if (!/\.(ts|txt)$/.test(name)) continue;
    const bytes = readFileSync(join(folder, name));
    key.update(`\0${name}\0${bytes.length}\0`).update(bytes);
  }
  return key.digest("hex");
}

async function makePart(request: FixedRequest): Promise<FixedPart> {
  const { root, lock } = request;
  const mirrors = debianMirrors(request.mirror);
  const open = async (role: DebianInput["role"]): Promise<PackageFiles> => {
    const input = inputOf(lock.debian, role);
    const bytes = await fetchPinned(input, mirrors, join(request.cache, "downloads"));
    return openDeb(bytes, `${input.package} ${input.version}`);
  };
  return layOut({
    debian: {
      kernel: await open("kernel"),
      libc: await open("libc"),
      "libstdc++": await open("libstdc++"),
      libgcc: await open("libgcc"),
      ipxe: await open("ipxe"),
    },
    npm: {
      nodejs: readNpmInput(root, inputOf(lock.npm, "nodejs")),
      koffi: readNpmInput(root, inputOf(lock.npm, "koffi")),
      "blake-hash": readNpmInput(root, inputOf(lock.npm, "blake-hash")),
    },
    moduleList: readFileSync(join(root, "initramfs/modules.txt"), "utf8"),
  });
}

function readKept(folder: string): KeptPart | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, SUMMARY), "utf8");
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
  const description = summary.parse(JSON.parse(text));
  return {
    ...description,
    archive: readFileSync(join(folder, ARCHIVE)),
    files: new Map(description.outputs.map((name) => [name, readFileSync(join(folder, name))])),
  };
}

/**
 * Publishes a part. If another build has published the same part meanwhile, ours is thrown away.
 *
 * @throws The system's error when the rename fails for any other reason.
 */
function publish(draft: string, folder: string): void {
  try {
    renameSync(draft, folder);
  } catch (thrown) {
    if (codeOf(thrown) !== "ENOTEMPTY" && codeOf(thrown) !== "EEXIST") throw thrown;
    rmSync(draft, { recursive: true });
  }
}

const ARCHIVE = "fixed.cpio.zst";
const SUMMARY = "summary.json";
