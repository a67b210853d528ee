/**
 * Goal: the tiny system holds kernel, busybox and both scripts, and loads its modules in order.
 * Method: a made-up kernel package whose modules depend on one another against the alphabet.
 */
import { expect, test } from "vitest";
import { PackageFiles } from "../../../../initramfs/deb.ts";
import type { TarEntry } from "../../../../initramfs/tar.ts";
import { tinySystem } from "../../../rig/test-os/tiny.ts";
import { makeModule } from "../../initramfs/fixtures.ts";

function file(path: string, bytes: Uint8Array): TarEntry {
  return { path, kind: "file", mode: 0o644, target: "", bytes };
}

function module(name: string, depends = ""): TarEntry {
  const bytes = makeModule([`name=${name}`, `depends=${depends}`, ""]);
  return file(`usr/lib/modules/6.1/kernel/${name}.ko`, bytes);
}

function kernel(): PackageFiles {
  const plain = ["sd_mod", "ata_piix", "nvme", "virtio_blk", "virtio_scsi", "crc32c_generic"];
  return new PackageFiles(
    [
      file("boot/vmlinuz-6.1", Buffer.from("kernel")),
      ...plain.map((name) => module(name)),
      module("ahci", "zzz"),
      module("zzz"),
      module("ext4", "jbd2,crc32c_generic"),
      module("jbd2"),
      module("unused"),
    ],
    "linux 6.1",
  );
}

test("tinySystem() numbers modules so that each comes after what it depends on", () => {
  const names = tinySystem(kernel(), Buffer.from("busybox"))
    .initramfs.map(({ path }) => /^lib\/modules\/\d{3}-(\w+)\.ko$/.exec(path)?.[1] ?? "")
    .filter((name) => name !== "");
  expect(names.indexOf("zzz")).toBeLessThan(names.indexOf("ahci"));
  expect(names.indexOf("jbd2")).toBeLessThan(names.indexOf("ext4"));
  expect(new Set(names).size).toBe(names.length);
  expect(names).not.toContain("unused");
  expect(names).not.toContain("");
});

test("tinySystem() puts a runnable init and busybox on both file systems", () => {
  const system = tinySystem(kernel(), Buffer.from("busybox"));
  const modes = new Map(system.files.map(({ path, mode }) => [path, mode]));
  expect(system.kernelRelease).toBe("6.1");
  expect(modes.get("boot/vmlinuz-6.1")).toBe(0o644);
  expect(modes.get("bin/init")).toBe(0o755);
  expect(modes.get("bin/busybox")).toBe(0o755);
  const init = system.initramfs.find(({ path }) => path === "init");
  expect(init).toMatchObject({ kind: "file", mode: 0o755 });
});

test("tinySystem() refuses a package without a kernel", () => {
  const empty = new PackageFiles([file("usr/share/doc/x", new Uint8Array())], "x");
  expect(() => tinySystem(empty, new Uint8Array())).toThrow(/no boot\/vmlinuz/);
});
