/**
 * Fetches files from a Debian mirror, and keeps them under their digests.
 *
 * A file is used only if it has the size and SHA-256 that were asked for, so it does not matter
 * which mirror, proxy or cache it came from. The mirrors are those of `HUCK_DEBIAN_MIRROR`, else
 * those that apt on the builder is set up with. A mirror has all suites, whether or not
 * sources.list names them.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SituationError, codeOf, messageOf } from "../shared/core/errors.ts";

/** A file and what it must be. */
export interface Wanted {
  /** Relative to the mirror. */
  readonly path: string;
  readonly sizeBytes: number;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/**
 * Finds the mirrors to ask.
 *
 * @param override - Value of `HUCK_DEBIAN_MIRROR`: addresses separated by spaces.
 * @returns Base addresses ending in "/", at least one.
 * @throws {@link SituationError} `no_mirror`.
 */
export function debianMirrors(override: string | undefined): string[] {
  const found = override === undefined ? askApt() : override.split(/\s+/);
  const bases = found
    .filter((base) => /^https?:\/\//.test(base))
    .map((base) => (base.endsWith("/") ? base : `${base}/`));
  if (bases.length > 0) return [...new Set(bases)];
  throw new SituationError(
    "no_mirror",
    "Cannot find a Debian mirror: apt names none over http or https, one wanted",
    { cure: "Set HUCK_DEBIAN_MIRROR=http://YOUR-MIRROR/debian/ or run `apt-get update`." },
  );
}

/** Base addresses of all indexes that apt has from repositories labelled "Debian". */
function askApt(): string[] {
  const format = "$(LABEL) $(REPO_URI)";
  const run = spawnSync("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    encoding: "utf8",
  });
  if (run.error !== undefined || run.status !== 0) return [];
  return run.stdout
    .split("\n")
    .filter((line) => line.startsWith("Debian "))
    .map((line) => line.slice("Debian ".length));
}

/**
 * Fetches a file, or takes it from the cache.
 *
 * @param wanted - The file.
 * @param mirrors - Asked in this order.
 * @param cache - Folder for files by digest; made when missing.
 * @returns The file's content, of the wanted size and digest.
 * @throws {@link SituationError} `left_the_mirror`, `fetch`, `digest`.
 */
export async function fetchPinned(
  wanted: Wanted,
  mirrors: readonly string[],
  cache: string,
): Promise<Uint8Array> {
  const cached = join(cache, wanted.sha256);
  const kept = readIfThere(cached);
  if (kept !== undefined && kept.length === wanted.sizeBytes && sha256Of(kept) === wanted.sha256) {
    return kept;
  }
  const bytes = await fetchFromMirrors(wanted.path, mirrors, wanted.sizeBytes);
  if (bytes.length !== wanted.sizeBytes || sha256Of(bytes) !== wanted.sha256) {
    throw new SituationError(
      "digest",
      `Cannot use "${wanted.path}": ${bytes.length} bytes with SHA-256 ${sha256Of(bytes)}, ` +
        `${wanted.sizeBytes} bytes with ${wanted.sha256} wanted`,
      { cure: "Ask another mirror (HUCK_DEBIAN_MIRROR); if all agree, find out why." },
    );
  }
  mkdirSync(cache, { recursive: true });
  const draft = `${cached}.${process.pid}`;
  writeFileSync(draft, bytes);
  renameSync(draft, cached);
  return bytes;
}

/**
 * Fetches a file of unknown digest.
 *
 * @param path - Relative to the mirrors.
 * @param mirrors - Asked in this order until one has it.
 * @param sizeMax - Longest content accepted. Unit: bytes.
 * @returns The content.
 * @throws {@link SituationError} `left_the_mirror` when every mirror says 404, else `fetch`.
 */
export async function fetchFromMirrors(
  path: string,
  mirrors: readonly string[],
  sizeMax: number,
): Promise<Uint8Array> {
  const faults: string[] = [];
  let missing = 0;
  for (const mirror of mirrors) {
    try {
      const response = await fetch(mirror + path.split("/").map(encodeURIComponent).join("/"), {
        signal: AbortSignal.timeout(FETCH_MS_MAX),
      });
      if (response.ok) return await readBody(response, sizeMax);
      if (response.status === 404) missing++;
      faults.push(`${mirror}: status ${response.status}`);
    } catch (thrown) {
      const cause = thrown instanceof Error ? thrown.cause : undefined;
      faults.push(`${mirror}: ${messageOf(cause ?? thrown)}`);
    }
  }
  if (missing === mirrors.length) {
    throw new SituationError(
      "left_the_mirror",
      `Cannot fetch "${path}": it left the mirror (${faults.join("; ")})`,
      {
        cure:
          "Run `UPDATE=1 make initramfs` to pin what the mirror has now, " +
          "or name a mirror that keeps old packages in HUCK_DEBIAN_MIRROR.",
      },
    );
  }
  throw new SituationError("fetch", `Cannot fetch "${path}": ${faults.join("; ")}`, {
    cure: "Check the network, or name another mirror in HUCK_DEBIAN_MIRROR.",
  });
}

/**
 * @param bytes - Any content.
 * @returns Its SHA-256 in lower-case hexadecimal.
 */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function readBody(response: Response, sizeMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  if (response.body !== null) {
    for await (const part of response.body as AsyncIterable<Uint8Array>) {
      sizeBytes += part.length;
      if (sizeBytes > sizeMax) throw new Error(`more than ${sizeMax} bytes sent`);
      parts.push(part);
    }
  }
  return Buffer.concat(parts, sizeBytes);
}

function readIfThere(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Longest time one download may take: 106 MB at 1.5 Mbit/s. Unit: milliseconds. */
const FETCH_MS_MAX = 600_000;
