/**
 * A made-up work tree and mirror that the whole build can run on: every input is real in form and
 * a few bytes long, so that a build takes milliseconds and needs no outside network.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { formatLock } from "../../../initramfs/lock.ts";
import type { DebianInput } from "../../../initramfs/lock.ts";
import { sha256Of } from "../../../initramfs/mirror.ts";
import { NPM_FILES, pinNpmInputs } from "../../../initramfs/npm-inputs.ts";
import { testFolder } from "../../rig/folder.ts";
import { makeDeb, makeIcu, makeModule, makeProgram, makeVmlinuz } from "./fixtures.ts";
import { startMirror } from "./loopback-mirror.ts";
import type { LoopbackMirror } from "./loopback-mirror.ts";

export interface BuildFixture {
  readonly root: string;
  readonly cache: string;
  readonly mirror: LoopbackMirror;
}

const libraries = "lib/x86_64-linux-gnu";
const library = (name: string) => ({
  path: `./${libraries}/${name}`,
  bytes: makeProgram(name.startsWith("ld-") ? [] : ["ld-linux-x86-64.so.2"]),
});

const packages: Readonly<Record<DebianInput["role"], Buffer>> = {
  kernel: makeDeb([
    { path: "./boot/vmlinuz-6.12-test", bytes: makeVmlinuz(Buffer.from("\x7fELF kernel")) },
    { path: "./lib/modules/6.12-test/igb.ko", bytes: makeModule(["depends=dca", "name=igb"]) },
    { path: "./lib/modules/6.12-test/dca.ko", bytes: makeModule(["name=dca", "firmware=x.fw"]) },
    { path: "./lib/modules/6.12-test/other.ko", bytes: makeModule(["name=other"]) },
  ]),
  libc: makeDeb(
    ["ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"]
      .concat("librt.so.1")
      .map(library),
  ),
  libgcc: makeDeb([library("libgcc_s.so.1")]),
  "libstdc++": makeDeb([
    { ...library("libstdc++.so.6"), path: `./usr/${libraries}/libstdc++.so.6.0.30` },
    { path: `./usr/${libraries}/libstdc++.so.6`, type: "2", target: "libstdc++.so.6.0.30" },
  ]),
  ipxe: makeDeb([
    { path: "./usr/lib/ipxe/undionly.kpxe", bytes: Buffer.from("kpxe") },
    { path: "./usr/lib/ipxe/snponly.efi", bytes: Buffer.from("snponly") },
    { path: "./usr/lib/ipxe/ipxe-amd64.efi", bytes: Buffer.from("efi") },
    { path: "./usr/lib/ipxe/ipxe.efi", type: "2", target: "ipxe-amd64.efi" },
  ]),
};

/** Makes the tree for the test that runs, or whose `beforeEach` this is. */
export async function makeBuildFixture(): Promise<BuildFixture> {
  const root = testFolder();
  const write = (path: string, content: Uint8Array | string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const icu = makeIcu(["x/de.res", "x/zz.res"]);
  for (const { role, package: name, path } of NPM_FILES) {
    const nodejs = role === "nodejs";
    write(`node_modules/${name}/package.json`, `{"version":"1.0.0"}`);
    write(
      `node_modules/${name}/${path}`,
      nodejs ? makeProgram(["libc.so.6"], icu, Buffer.from("symbols")) : makeProgram(["libm.so.6"]),
    );
  }
  const files = new Map<string, Uint8Array>();
  const debian = Object.entries(packages).map(([role, bytes]) => {
    const path = `pool/main/${role}_1.deb`;
    files.set(path, bytes);
    const pin = { version: "1", path, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
    return { role: role as DebianInput["role"], suite: "test", package: role, ...pin };
  });
  write("initramfs/inputs.lock", formatLock({ format: 1, debian, npm: pinNpmInputs(root) }));
  write("initramfs/modules.txt", "igb\n");
  write("receiver/main.io.ts", `new URL("./worker.ts", import.meta.url); console.log("main");`);
  write("receiver/worker.ts", `console.log("worker");`);
  const mirror = await startMirror(files);
  onTestFinished(async () => {
    await mirror.close();
  });
  return { root, cache: join(root, "cache"), mirror };
}
