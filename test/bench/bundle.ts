/**
 * Bundles huck's command as one program with its threads, so that start-up is not type stripping.
 *
 * Works for this checkout and for an older one: a thread is found by the way it is named in the
 * source, `new URL("./thread.ts", import.meta.url)`, wherever that stands.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";
import type { Plugin } from "esbuild";

const THREAD_URL = /new URL\("(\.[^"]*\.ts)", import\.meta\.url\)/g;
const NATIVE = ["@napi-rs/blake-hash", "zstd-napi", "raw-socket", "koffi"];
const REQUIRE =
  "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";

/**
 * Bundles a checkout.
 *
 * @param root - The checkout; its own packages are used, or `packages` when it has none.
 * @param packages - A node_modules folder.
 * @param folder - Made; gets the program.
 * @returns A command line.
 */
export async function bundleHuck(root: string, packages: string, folder: string): Promise<string> {
  const own = join(root, "node_modules");
  const modules = existsSync(own) ? own : packages;
  mkdirSync(folder, { recursive: true });
  const entries = new Map([[join(root, "huck.ts"), "huck"]]);
  for (let before = 0; before < entries.size; ) {
    before = entries.size;
    await build({
      absWorkingDir: root,
      entryPoints: [...entries].map(([path, name]) => ({ in: path, out: name })),
      bundle: true,
      splitting: true,
      platform: "node",
      format: "esm",
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      external: NATIVE,
      nodePaths: [modules],
      plugins: [threadAddresses(root, entries)],
      banner: { js: REQUIRE },
      logLevel: "error",
    });
  }
  const koffi = `@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`;
  copyFileSync(join(modules, koffi), join(folder, "koffi.node"));
  symlinkSync(modules, join(folder, "node_modules"));
  return `${process.execPath} ${join(folder, "huck.mjs")}`;
}

function threadAddresses(root: string, entries: Map<string, string>): Plugin {
  return {
    name: "thread-addresses",
    setup(hooks): void {
      hooks.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        const contents = source.replaceAll(THREAD_URL, (_, target: string) => {
          const thread = resolve(dirname(path), target);
          const name = relative(root, thread).replaceAll("/", "-").replace(/\.ts$/, "");
          entries.set(thread, name);
          return `new URL("./${name}.mjs", import.meta.url)`;
        });
        return { contents, loader: "ts" };
      });
    },
  };
}
