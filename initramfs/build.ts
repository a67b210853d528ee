/**
 * `make initramfs`: the command line of the boot-file build.
 *
 *     node initramfs/build.ts [--out DIR] [--level 1..19] [--cache DIR] [--entry FILE] [--json]
 *
 * Needs no root, and writes to --out and --cache only. `UPDATE=1` first rewrites inputs.lock with
 * what the mirror and node_modules have now. README.md describes the outputs.
 */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ExitCode, HuckError, SituationError, messageOf } from "../shared/core/errors.ts";
import { buildBootFiles } from "./boot-files.ts";
import type { BuildManifest, BuildOptions } from "./boot-files.ts";
import { formatLock } from "./lock.ts";
import { debianMirrors } from "./mirror.ts";
import { pinNpmInputs } from "./npm-inputs.ts";
import { resolveDebian } from "./resolve.ts";
import { debianKeyring } from "./signature.ts";

const root = resolve(import.meta.dirname, "..");

const COMMAND_LINE = {
  options: {
    out: { type: "string", default: join(root, "build/boot") },
    cache: { type: "string", default: join(root, "build/cache") },
    level: { type: "string", default: "5" },
    entry: { type: "string", default: join(root, "receiver/main.io.ts") },
    json: { type: "boolean", default: false },
  },
} as const;

async function main(): Promise<void> {
  const { options, json } = readOptions();
  if (process.env["UPDATE"] === "1") await updateLock(options);
  const manifest = await buildBootFiles(options);
  process.stdout.write(json ? `${JSON.stringify(manifest)}\n` : report(options.out, manifest));
}

function readOptions(): { options: BuildOptions; json: boolean } {
  const values = parseOptions();
  const level = Number(values.level);
  if (!Number.isInteger(level) || level < 1 || level > LEVEL_MAX) {
    const message = `Cannot use --level "${values.level}": not a number, 1 to ${LEVEL_MAX} wanted`;
    const cure = "Use 5 for tests, 19 for a release.";
    throw new SituationError("level", message, { cure, exitCode: ExitCode.usage });
  }
  const options = {
    root,
    level,
    out: resolve(values.out),
    cache: resolve(values.cache),
    entry: resolve(values.entry),
    mirror: process.env["HUCK_DEBIAN_MIRROR"],
  };
  return { options, json: values.json };
}

function parseOptions(): ReturnType<typeof parseArgs<typeof COMMAND_LINE>>["values"] {
  try {
    return parseArgs(COMMAND_LINE).values;
  } catch (cause) {
    const cure = "Usage: build.ts [--out DIR] [--level N] [--cache DIR] [--entry FILE] [--json]";
    const message = `Cannot read the command line: ${messageOf(cause)}`;
    throw new SituationError("usage", message, { cure, exitCode: ExitCode.usage, cause });
  }
}

async function updateLock(options: BuildOptions): Promise<void> {
  const keyring = debianKeyring();
  if (keyring === undefined) {
    process.stderr.write(
      "warning: Debian's signature is not checked, because gpgv or debian-archive-keyring " +
        "is not installed; read the change of inputs.lock with care\n",
    );
  }
  const mirrors = debianMirrors(options.mirror);
  const cache = join(options.cache, "downloads");
  const debian = await resolveDebian({ mirrors, cache, keyring });
  const lock = formatLock({ format: 1, debian, npm: pinNpmInputs(root) });
  writeFileSync(join(root, "initramfs/inputs.lock"), lock);
}

function report(out: string, manifest: BuildManifest): string {
  const lines = manifest.files.map(({ name, sizeBytes, sha256 }) => {
    return `${name.padEnd(16)}${sizeBytes.toString().padStart(12)} bytes  ${sha256}`;
  });
  const total = manifest.files
    .filter(({ role }) => role === "kernel" || role === "archive")
    .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    ...lines,
    `Linux ${manifest.kernelRelease}, ${manifest.modules.length} modules; ` +
      `a node fetches ${(total / 1e6).toFixed(1)} MB and unpacks ` +
      `${(manifest.unpackedBytes / 1e6).toFixed(1)} MB`,
    `in ${out}\n`,
  ].join("\n");
}

/** Above 19, zstd needs windows that a node with 512 MB of RAM cannot spare. */
const LEVEL_MAX = 19;

try {
  await main();
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`);
  if (thrown instanceof SituationError) process.stderr.write(`${thrown.cure}\n`);
  // Any other error is a bug of ours: show the stack.
  if (!(thrown instanceof HuckError) && thrown instanceof Error && thrown.stack !== undefined) {
    process.stderr.write(`${thrown.stack}\n`);
  }
  process.exitCode = thrown instanceof SituationError ? thrown.exitCode : ExitCode.aborted;
}
