/**
 * Goal: parts come from what is said of a file, never from its name. Method: misleading names,
 * several processors, what is missing.
 */
import { expect, test } from "vitest";
import { assetsOf } from "../../../../server/boot/assets.ts";
import type { BootAsset } from "../../../../server/boot/assets.ts";
import { ARM64_ASSETS, BOOT_ASSETS } from "../../../rig/dhcp-vectors.ts";

function file(name: string, path = `/x/${name}`) {
  return { name, path, sizeBytes: 1 };
}

test("assetsOf() goes by part and order, whatever the names look like", () => {
  const list: readonly BootAsset[] = [
    { role: "archive", architecture: "x64", order: 2, ...file("initramfs.zst") },
    { role: "archive", architecture: "x64", order: 1, ...file("undionly.kpxe") },
    { role: "kernel", architecture: "x64", ...file("snponly.efi") },
    { role: "loader", architecture: "bios", ...file("vmlinuz") },
    { role: "extra", ...file("initramfs-extra.zst") },
  ];
  const { files, receivers, loaders } = assetsOf("0.1.0", list);
  expect([...files.keys()]).toEqual(list.map(({ name }) => name));
  expect(receivers.get("x64")?.kernel.name).toBe("snponly.efi");
  expect(receivers.get("x64")?.archives.map(({ name }) => name)).toEqual([
    "undionly.kpxe",
    "initramfs.zst",
  ]);
  expect([...loaders].map(([firmware, { name }]) => [firmware, name])).toEqual([
    ["bios", "vmlinuz"],
  ]);
});

test("assetsOf() keeps the receivers of two processors apart", () => {
  const { receivers } = assetsOf("0.1.0", [...BOOT_ASSETS, ...ARM64_ASSETS]);
  const names = [...receivers].map(([processor, { kernel, archives }]) => [
    ...[processor, kernel.name],
    ...archives.map(({ name }) => name),
  ]);
  expect(names).toEqual([
    ["x64", "vmlinuz", "initramfs.zst"],
    ["arm64", "vmlinuz-arm64", "initramfs-arm64.zst"],
  ]);
});

test("assetsOf() lets a later loader take the place of an earlier one", () => {
  const own: BootAsset = { role: "loader", architecture: "efi-x64", ...file("own.efi") };
  const { loaders, files } = assetsOf("0.1.0", [...BOOT_ASSETS, own]);
  expect(loaders.get("efi-x64")).toBe(own);
  expect(files.has("snponly.efi")).toBe(true);
  const same: BootAsset = { ...own, ...file("snponly.efi", "/own/snponly.efi") };
  const replaced = assetsOf("0.1.0", [...BOOT_ASSETS, same]);
  expect(replaced.files.get("snponly.efi")?.path).toBe("/own/snponly.efi");
  expect(replaced.loaders.get("efi-x64")).toBe(same);
});

test("assetsOf() refuses boot files that no node could enter with", () => {
  const problem = (list: readonly BootAsset[]) => () => assetsOf("0.1.0", list);
  const wanted = expect.objectContaining({ code: "no_receiver" }) as Error;
  expect(problem([])).toThrow(wanted);
  expect(problem(BOOT_ASSETS.slice(1))).toThrow("no file is its kernel");
  expect(problem([...BOOT_ASSETS, ...ARM64_ASSETS.slice(0, 1)])).toThrow(
    '"vmlinuz-arm64" has no archive beside it',
  );
});
