/**
 * `UPDATE=1`: works out anew which Debian packages inputs.lock should name.
 *
 * A chain of digests leads from Debian's signature to each package: InRelease is signed
 * (signature.ts) and has the digest of Packages, and Packages has the digest of each .deb. Without
 * gpgv and a keyring, only the mirror vouches for InRelease, and the result says so.
 */
import { SituationError } from "../shared/core/errors.ts";
import { decompress } from "./deb.ts";
import type { DebianInput } from "./lock.ts";
import { fetchFromMirrors, fetchPinned } from "./mirror.ts";
import type { PackageRecord } from "./packages-file.ts";
import { findKernel, findPackage, releaseFile } from "./packages-file.ts";
import { RELEASE_MAX, readInRelease } from "./signature.ts";

/** Where to look, and whose signature to demand. */
export interface ResolveOptions {
  /** Base addresses, asked in order. */
  readonly mirrors: readonly string[];
  /** Folder for downloads by digest. */
  readonly cache: string;
  /** Keyring that must have signed the indexes; undefined: trust the mirror. */
  readonly keyring: string | undefined;
}

/**
 * Pins the newest versions.
 *
 * @param options - Where to look.
 * @returns One input for each Debian role.
 * @throws {@link SituationError} `left_the_mirror`, `fetch`, `digest`, `bad_signature`,
 *   `no_index`; {@link FormatError} `packages_file`.
 */
export async function resolveDebian(options: ResolveOptions): Promise<DebianInput[]> {
  const inputs: DebianInput[] = [];
  for (const [suite, picks] of Object.entries(PICKS)) {
    const path = `dists/${suite}/InRelease`;
    const inRelease = await fetchFromMirrors(path, options.mirrors, RELEASE_MAX);
    const release = readInRelease(inRelease, options.keyring);
    const packages = await fetchIndex(suite, release, options);
    for (const [role, pick] of picks) {
      const { package: name, version, path: file, sizeBytes, sha256 } = pick(packages);
      inputs.push({ role, suite, package: name, version, path: file, sizeBytes, sha256 });
    }
  }
  return inputs;
}

async function fetchIndex(
  suite: string,
  release: string,
  options: ResolveOptions,
): Promise<string> {
  for (const ending of ["xz", "gz"]) {
    const index = `${INDEX}.${ending}`;
    const file = releaseFile(release, index);
    if (file === undefined) continue;
    const wanted = { path: `dists/${suite}/${index}`, ...file };
    const bytes = await fetchPinned(wanted, options.mirrors, options.cache);
    return Buffer.from(decompress(bytes, index)).toString("utf8");
  }
  throw new SituationError("no_index", `Cannot read ${suite}: Release names no ${INDEX}`, {
    cure: "Ask another mirror (HUCK_DEBIAN_MIRROR).",
  });
}

type Pick = (packages: string) => PackageRecord;

const named =
  (name: string): Pick =>
  (packages) =>
    findPackage(packages, name);

/**
 * The packages that are taken from each suite. The glibc of Debian 12 is new enough for Node.js 24,
 * which asks for 2.28.
 */
const PICKS: Readonly<Record<string, readonly (readonly [DebianInput["role"], Pick])[]>> = {
  "bookworm-backports": [["kernel", findKernel]],
  bookworm: [
    ["libc", named("libc6")],
    ["libstdc++", named("libstdc++6")],
    ["libgcc", named("libgcc-s1")],
  ],
  // Debian 12's iPXE is of 2019 and waits 16 s for IPv6; trixie's is 1.21 of 2025.
  trixie: [["ipxe", named("ipxe")]],
};

const INDEX = "main/binary-amd64/Packages";
