/**
 * Goal: what is in the folder is what its manifest says, or the server does not start and names the
 * file and the cure. Method: small folders on disk, one thing wrong at a time.
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readBootAssets } from "../../../../server/boot/assets-folder.io.ts";
import { BOOT_MANIFEST_BYTES_MAX } from "../../../../server/boot/boot-manifest.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "huck-assets-"));
  const file = { sizeBytes: 5, sha256: "a".repeat(64), architecture: "x64" };
  const files = [
    { name: "vmlinuz", role: "kernel", ...file },
    { name: "initramfs.zst", role: "archive", order: 0, ...file },
  ];
  for (const { name } of files) writeFileSync(join(folder, name), "12345");
  writeFileSync(join(folder, "notes.txt"), "no part of it");
  writeFileSync(manifest(), JSON.stringify({ format: 2, version: "0.1.0", files }));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function manifest(): string {
  return join(folder, "manifest.json");
}

function refusal(loaders: Readonly<Record<string, string>> = {}): object {
  try {
    readBootAssets({ folder, loaders });
  } catch (error) {
    const { code, message, cure } = error as { code: string; message: string; cure: string };
    return { code, message: message.replaceAll(folder, "F"), cure };
  }
  throw new Error("nothing was refused");
}

test("readBootAssets() publishes what the manifest names, and no other file of the folder", () => {
  const { files, version } = readBootAssets({ folder, loaders: {} });
  expect([...files.values()].map(({ path }) => path)).toEqual([
    join(folder, "vmlinuz"),
    join(folder, "initramfs.zst"),
  ]);
  expect(version).toBe("0.1.0");
});

test("readBootAssets() refuses a folder without a manifest", () => {
  rmSync(manifest());
  expect(refusal()).toMatchObject({
    code: "no_boot_files",
    message: 'Cannot read "F/manifest.json": it is not there (ENOENT)',
    cure: expect.stringContaining('Run "make initramfs"') as string,
  });
});

test("readBootAssets() does not read a manifest without bound", () => {
  truncateSync(manifest(), BOOT_MANIFEST_BYTES_MAX + 1);
  expect(refusal()).toMatchObject({
    code: "no_boot_files",
    message: 'Cannot read "F/manifest.json": it has more than 1048576 bytes',
  });
});

test("readBootAssets() refuses a file of another size by name", () => {
  writeFileSync(join(folder, "vmlinuz"), "123");
  expect(refusal()).toEqual({
    code: "bad_boot_file",
    message: 'Cannot publish "F/vmlinuz": 3 bytes found, 5 wanted by its manifest.json',
    cure: 'Run "make initramfs".',
  });
});

test("readBootAssets() refuses a file that is gone by name", () => {
  rmSync(join(folder, "initramfs.zst"));
  expect(refusal()).toMatchObject({
    code: "bad_boot_file",
    message: 'Cannot publish "F/initramfs.zst": it is not there (ENOENT)',
  });
});

test("readBootAssets() publishes the admin's own loaders under their names", () => {
  const path = join(folder, "own.efi");
  writeFileSync(path, "1234567");
  const { loaders, files } = readBootAssets({ folder, loaders: { "efi-arm64": path } });
  const own = { role: "loader", architecture: "efi-arm64", name: "own.efi", path, sizeBytes: 7 };
  expect(loaders.get("efi-arm64")).toEqual(own);
  expect(files.get("own.efi")).toEqual(own);
});

test.each([
  ["is not there", "gone.efi", "it is not there"],
  ["is a folder", ".", "it is no plain file"],
])("readBootAssets() refuses an own loader that %s", (_, name, found) => {
  const nested = name === "." ? tmpdir() : join(folder, name);
  expect(refusal({ bios: nested })).toMatchObject({
    code: "bad_boot_file",
    message: expect.stringContaining(found) as string,
    cure: "Correct server.loaders.bios in huck.yaml.",
  });
});

test("readBootAssets() refuses an own loader whose name cannot stand in a URL", () => {
  writeFileSync(join(folder, "own loader"), "1");
  expect(refusal({ bios: join(folder, "own loader") })).toMatchObject({
    message: 'Cannot publish "F/own loader": a name of letters, digits, dots and dashes wanted',
  });
});
