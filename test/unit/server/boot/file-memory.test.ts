/** Goal: however many clients ask for a file, it is in memory once. Method: real files. */
import { statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { BootAsset } from "../../../../server/boot/assets.ts";
import { FileMemory } from "../../../../server/boot/file-memory.io.ts";
import { fileFolder } from "../../../rig/folder.ts";

const folder = fileFolder();

function assetOf(name: string, bytes: Uint8Array): BootAsset {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { role: "kernel", architecture: "x64", name, path, sizeBytes: bytes.byteLength };
}

test("FileMemory.read() reads a file once for all that ask at a time, and later", async () => {
  const asset = assetOf("kernel", new Uint8Array(100_000).fill(7));
  const memory = new FileMemory();
  const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => memory.read(asset)));
  expect(first).toEqual(Buffer.alloc(100_000, 7));
  for (const other of [...others, await memory.read(asset)]) expect(other).toBe(first);
});

test("FileMemory.read() reads a file anew that was written since", async () => {
  const asset = assetOf("initramfs", new Uint8Array(10).fill(1));
  const memory = new FileMemory();
  await memory.read(asset);
  writeFileSync(asset.path, new Uint8Array(10).fill(2));
  const later = new Date(statSync(asset.path).mtimeMs + 1000);
  utimesSync(asset.path, later, later);
  expect(await memory.read(asset)).toEqual(Buffer.alloc(10, 2));
});
