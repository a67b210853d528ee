/**
 * Goal: product code runs bundled as it runs from source, and what cannot work is refused early.
 * Method: small programs are bundled and the result is run by Node.js beside a node_modules folder
 * laid out as in the initramfs.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { bundleProgram } from "../../../initramfs/bundle.ts";
import { NPM_FILES } from "../../../initramfs/npm-inputs.ts";
import { testFolder } from "../../rig/folder.ts";

let root: string;
beforeEach(() => {
  root = testFolder();
  mkdirSync(join(root, "receiver/decode"), { recursive: true });
});

function source(path: string, text: string): void {
  writeFileSync(join(root, path), text);
}

async function bundle(entry: string): Promise<Map<string, string>> {
  const made = await bundleProgram(root, entry);
  return new Map([...made].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));
}

/** Lays node_modules out as fixed.ts does: the native file is the package. */
function nativePackages(folder: string): void {
  const installed = join(import.meta.dirname, "../../../node_modules");
  for (const { role, package: name, path } of NPM_FILES) {
    if (role === "nodejs") continue;
    const target = role === "koffi" ? "koffi" : "@napi-rs/blake-hash";
    mkdirSync(join(folder, "node_modules", target), { recursive: true });
    symlinkSync(join(installed, name, path), join(folder, "node_modules", target, "index.node"));
  }
}

test.skipIf(process.platform !== "linux" || process.arch !== "x64")(
  "bundleProgram() makes a script in which native packages and import.meta work",
  async () => {
    source(
      "receiver/main.io.ts",
      `import koffi from "koffi";
       import { blake3 } from "@napi-rs/blake-hash";
              import { createRequire } from "node:module";
       import { part } from "./part.ts";
       const pid = koffi.load("libc.so.6").func("int getpid()")();
       const digest = blake3(Buffer.from("abc")).toString("hex");
       const again = createRequire(import.meta.url)("koffi") === koffi;
       let absent = "";
       try { createRequire(import.meta.url)("zstd-napi"); }
       catch (error) { absent = (error as { code: string }).code; }
       let lazy = "";
       import("raw-socket").catch((error) => { lazy = error.code; }).finally(async () => {
         const late = (await import("koffi")).default === koffi;
         console.log(JSON.stringify([part, pid === process.pid, digest.slice(0, 8), again, absent,
           lazy, late, import.meta.main, import.meta.dirname === __dirname]));
       });`,
    );
    source("receiver/part.ts", "export const part: string = 'part';");
    const init = (await bundle("receiver/main.io.ts")).get("/init") ?? "";
    expect(init.split("\n", 1)).toEqual(["#!/bin/node --no-warnings"]);
    const rootFs = join(root, "rootfs");
    mkdirSync(rootFs);
    nativePackages(rootFs);
    writeFileSync(join(rootFs, "init"), init);
    const run = spawnSync(process.execPath, [join(rootFs, "init")], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(JSON.parse(run.stdout)).toEqual([
      ...["part", true, "6437b3ac", true],
      ...["MODULE_NOT_FOUND", "MODULE_NOT_FOUND", true, true, true],
    ]);
  },
);

test("bundleProgram() bundles each worker named, and workers of workers, once", async () => {
  source(
    "receiver/main.io.ts",
    `import { Worker } from "node:worker_threads";
     new Worker(new URL("./decode/worker.ts", import.meta.url));
     new Worker(
       new URL(
         "./decode/worker.ts",
         import.meta.url,
       ),
     );`,
  );
  source(
    "receiver/decode/worker.ts",
    `import { Worker } from "node:worker_threads";
     export const deeper = () => new Worker(new URL("../deep.ts", import.meta.url));`,
  );
  source("receiver/deep.ts", "console.log('deep');");
  const made = await bundle("receiver/main.io.ts");
  expect([...made.keys()]).toEqual([
    "/init",
    "/app/receiver-decode-worker.js",
    "/app/receiver-deep.js",
  ]);
  const address = 'new URL("file:///app/receiver-decode-worker.js")';
  expect(made.get("/init")?.split(address)).toHaveLength(3);
  expect(made.get("/app/receiver-decode-worker.js")).toContain("file:///app/receiver-deep.js");
});

test("bundleProgram() gives the same bytes wherever the work tree lies", async () => {
  const write = (): void => {
    source("receiver/main.io.ts", `import { x } from "./x.ts"; console.log(x, import.meta.url);`);
    source("receiver/x.ts", "/*! a licence */ export const x = 1;");
  };
  write();
  const first = await bundle("receiver/main.io.ts");
  root = testFolder();
  mkdirSync(join(root, "receiver"));
  write();
  expect([...(await bundle("receiver/main.io.ts"))]).toEqual([...first]);
});

test("bundleProgram() refuses a static import of a package the initramfs lacks", async () => {
  source("receiver/main.io.ts", `import { x } from "./x.ts"; console.log(x);`);
  source("receiver/x.ts", `import { compress } from "zstd-napi"; export const x = compress;`);
  await expect(bundle("receiver/main.io.ts")).rejects.toThrow(
    /receiver\/x.ts imports "zstd-napi" statically/,
  );
});
