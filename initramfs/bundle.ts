/**
 * Bundles the program that runs as PID 1, and its workers, each into one CommonJS file.
 *
 * Product code is written for Node.js as usual and does not know that it is bundled. Three things
 * make that possible (README.md, "What product code may rely on"): `import.meta.url` and the like
 * get their CommonJS values; `new URL("./worker.ts", import.meta.url)` becomes the address of that
 * worker's own bundle; native packages stay `require` calls, which find /node_modules in the
 * initramfs. The format is CommonJS because the kernel starts `/init`: its name has no ending and
 * no package.json describes it, and Node.js takes such a file for CommonJS.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { build } from "esbuild";
import type { Metafile, Plugin } from "esbuild";
import { SituationError } from "../shared/core/errors.ts";

/** Native packages that lie in the initramfs below /node_modules. */
const CARRIED_PACKAGES: readonly string[] = ["koffi", "@napi-rs/blake-hash"];

/**
 * Native packages whose twin is used in the initramfs: loading them there fails with
 * MODULE_NOT_FOUND.
 */
const ABSENT_PACKAGES: readonly string[] = ["zstd-napi", "raw-socket"];

/** Absolute path in the initramfs -> content. */
export type Bundle = ReadonlyMap<string, Uint8Array>;

/**
 * Bundles a program and, transitively, the workers it names.
 *
 * @param root - The work tree; the output depends on paths relative to it only.
 * @param entry - The program's file.
 * @returns `/init`, which starts itself with Node.js, and `/app/<name>.js` for each worker.
 * @throws {@link SituationError} `bundle_static_import`, `bundle_too_many`; esbuild's own error
 *   when the sources do not build.
 */
export async function bundleProgram(root: string, entry: string): Promise<Bundle> {
  const bundle = new Map<string, Uint8Array>();
  const workers = new Set<string>();
  bundle.set("/init", await bundleOne({ root, entry, workers }, `#!${NODEJS}\n`));
  // A set is walked in order of insertion, with the workers that are added meanwhile.
  for (const worker of workers) {
    if (bundle.size > WORKERS_MAX) {
      throw new SituationError(
        "bundle_too_many",
        `Cannot bundle "${entry}": over ${WORKERS_MAX} workers named`,
        { cure: "Look for a worker address that is not a worker." },
      );
    }
    bundle.set(workerPath(root, worker), await bundleOne({ root, entry: worker, workers }, ""));
  }
  return bundle;
}

interface Job {
  readonly root: string;
  readonly entry: string;
  /** Absolute source paths of workers; grows while bundling. */
  readonly workers: Set<string>;
}

async function bundleOne(job: Job, firstLine: string): Promise<Uint8Array> {
  const result = await build({
    absWorkingDir: job.root,
    entryPoints: [resolve(job.root, job.entry)],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    charset: "utf8",
    // import("x") becomes require("x"), which alone loads a package that is one native file.
    supported: { "dynamic-import": false },
    keepNames: true,
    legalComments: "eof",
    logLevel: "silent",
    external: [...CARRIED_PACKAGES, ...ABSENT_PACKAGES],
    define: {
      "import.meta.url": "__bundleUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
      "import.meta.main": "__bundleMain",
    },
    banner: { js: firstLine + PREAMBLE },
    plugins: [workerAddresses(job)],
  });
  refuseStaticImports(result.metafile, job.entry);
  const bytes = result.outputFiles[0]?.contents;
  if (bytes === undefined) throw new Error(`esbuild made no output of ${job.entry}`);
  return bytes;
}

/** Replaces `new URL("./x.ts", import.meta.url)` by the address of x's bundle. */
function workerAddresses(job: Job): Plugin {
  return {
    name: "worker-addresses",
    setup(hooks): void {
      hooks.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        const contents = source.replaceAll(WORKER_URL, (_, target: string) => {
          const worker = resolve(dirname(path), target);
          job.workers.add(worker);
          return `new URL("file://${workerPath(job.root, worker)}")`;
        });
        return { contents, loader: "ts" };
      });
    },
  };
}

/** receiver/decode/worker.ts -> /app/receiver-decode-worker.js */
function workerPath(root: string, source: string): string {
  const name = relative(root, source).replace(/\.ts$/, "").split(sep);
  return join("/app", `${name.filter((part) => part !== "..").join("-")}.js`);
}

/**
 * Refuses to build if a package that is absent in the initramfs is imported statically: that would
 * kill PID 1 before its first line.
 *
 * @throws {@link SituationError} `bundle_static_import`.
 */
function refuseStaticImports(metafile: Metafile, entry: string): void {
  for (const [file, { imports }] of Object.entries(metafile.inputs)) {
    for (const { path, kind, external } of imports) {
      if (external !== true || kind !== "import-statement" || !ABSENT_PACKAGES.includes(path)) {
        continue;
      }
      throw new SituationError(
        "bundle_static_import",
        `Cannot bundle "${entry}": ${file} imports "${path}" statically, ` +
          "which is not in the initramfs",
        { cure: 'Load it with `await import("...")` in a try, and fall back to its twin.' },
      );
    }
  }
}

/** The kernel passes at most one argument from a script's first line. */
const NODEJS = "/bin/node --no-warnings";

const PREAMBLE = `"use strict";
const __bundleUrl = require("node:url").pathToFileURL(__filename).href;
const __bundleMain = require.main === module;`;

const WORKER_URL = /new URL\(\s*"(\.{1,2}\/[^"]+\.ts)",\s*import\.meta\.url,?\s*\)/g;

/** The receiver has about five workers; many more mean that the pattern matches too much. */
const WORKERS_MAX = 16;
