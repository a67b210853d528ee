/**
 * Goal: two builds are equal bit for bit, the manifest tells the truth, and the archive holds what
 * the receiver relies on.
 * Method: the whole build on a made-up tree and mirror (build-fixture.ts); the real cpio unpacks.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { beforeEach, expect, test } from "vitest";
import { buildBootFiles } from "../../../initramfs/boot-files.ts";
import type { BootManifest } from "../../../initramfs/boot-files.ts";
import { sha256Of } from "../../../initramfs/mirror.ts";
import type { ModulesIndex } from "../../../initramfs/modules-index.ts";
import type { BuildFixture } from "./build-fixture.ts";
import { makeBuildFixture } from "./build-fixture.ts";

let fixture: BuildFixture;
beforeEach(async () => {
  fixture = await makeBuildFixture();
});

function build(out: string, cache = fixture.cache): Promise<BootManifest> {
  const { root, mirror } = fixture;
  const entry = "receiver/main.io.ts";
  return buildBootFiles({
    root,
    out: join(root, out),
    cache,
    level: 3,
    entry,
    mirror: mirror.base,
  });
}

function contents(out: string): Record<string, string> {
  const folder = join(fixture.root, out);
  const names = readdirSync(folder).sort();
  return Object.fromEntries(
    names.map((name) => [name, sha256Of(readFileSync(join(folder, name)))]),
  );
}

test("buildBootFiles() gives equal files elsewhere, with cache or without", async () => {
  await build("one");
  const asked = fixture.mirror.asked.length;
  await build("two");
  expect(fixture.mirror.asked).toHaveLength(asked);
  await build("three", join(fixture.root, "other-cache"));
  expect(Object.keys(contents("one"))).toEqual([
    ...["initramfs.zst", "ipxe.efi", "manifest.json", "snponly.efi", "undionly.kpxe"],
    ...["vmlinux", "vmlinuz"],
  ]);
  expect(contents("two")).toEqual(contents("one"));
  expect(contents("three")).toEqual(contents("one"));
});

test("buildBootFiles() describes outputs by size and digest, and names inputs", async () => {
  const manifest = await build("out");
  const folder = join(fixture.root, "out");
  expect(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"))).toEqual(manifest);
  for (const [name, { sizeBytes, sha256 }] of Object.entries(manifest.outputs)) {
    const bytes = readFileSync(join(folder, name));
    expect([bytes.length, sha256Of(bytes)], name).toEqual([sizeBytes, sha256]);
  }
  expect(manifest.kernelRelease).toBe("6.12-test");
  expect(manifest.modules).toEqual(["dca", "igb"]);
  expect(manifest.firmware).toEqual(["x.fw"]);
  expect(manifest.bundle).toEqual(["/init", "/app/receiver-worker.js"]);
  expect(readFileSync(join(folder, "vmlinux"), "latin1")).toBe("\x7fELF kernel");
  expect(readFileSync(join(folder, "ipxe.efi"), "utf8")).toBe("efi");
});

test("buildBootFiles() writes two archives that unpack to what the receiver relies on", async ({
  skip,
}) => {
  if (spawnSync("cpio", ["--version"]).status !== 0) skip();
  const manifest = await build("out");
  const bytes = readFileSync(join(fixture.root, "out/initramfs.zst"));
  const second = bytes.lastIndexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]));
  const rootFs = join(fixture.root, "rootfs");
  mkdirSync(rootFs);
  let unpackedBytes = 0;
  for (const archive of [bytes.subarray(0, second), bytes.subarray(second)]) {
    const input = zstdDecompressSync(archive);
    unpackedBytes += input.length;
    // The device node needs root; everything else must unpack for anybody.
    const args = ["-id", "--quiet", "--nonmatching", "dev/console"];
    expect(spawnSync("cpio", args, { cwd: rootFs, input }).status).toBe(0);
  }
  expect(unpackedBytes).toBeGreaterThanOrEqual(manifest.unpackedBytes);
  const index = JSON.parse(readFileSync(join(rootFs, "app/modules.json"), "utf8")) as ModulesIndex;
  expect(index.modules["igb"]?.depends).toEqual(["dca"]);
  for (const { file } of Object.values(index.modules)) {
    expect(statSync(join(rootFs, file)).size).toBeGreaterThan(0);
  }
  for (const folder of ["proc", "sys", "dev", "tmp", "mnt"]) {
    expect(readdirSync(join(rootFs, folder)), folder).toEqual([]);
  }
  expect(statSync(join(rootFs, "init")).mode & 0o777).toBe(0o755);
  expect(readFileSync(join(rootFs, "init"), "utf8")).toMatch(/^#!\/bin\/node --no-warnings\n/);
  expect(readFileSync(join(rootFs, "bin/node"), "latin1")).not.toContain("symbols");
  expect(readdirSync(join(rootFs, "node_modules")).sort()).toEqual(["@napi-rs", "koffi"]);
});

test("buildBootFiles() keeps the folder as it was when a build fails", async () => {
  await build("out");
  const before = contents("out");
  writeFileSync(join(fixture.root, "initramfs/modules.txt"), "absent\n");
  await expect(build("out")).rejects.toMatchObject({ code: "module_missing" });
  rmSync(join(fixture.root, "receiver/worker.ts"));
  await expect(build("out")).rejects.toThrow(/worker/);
  expect(contents("out")).toEqual(before);
});
