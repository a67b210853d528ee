/**
 * Goal: a kernel module's own description is read completely, with one spelling of names.
 * Method: hand-made modules with the strings real ones carry.
 */
import { expect, test } from "vitest";
import { moduleName, readModuleInfo } from "../../../initramfs/modinfo.ts";
import { makeModule, makeObject } from "./fixtures.ts";

test("readModuleInfo() reads names, aliases, firmware and dependencies with one spelling", () => {
  const info = readModuleInfo(
    makeModule([
      "version=1",
      "softdep=pre: crypto-crc32c other post: later",
      "softdep=post: never",
      "alias=pci:v00008086d000010D3sv*sd*bc*sc*i*",
      "alias=fs-ext4",
      "firmware=tigon/tg3.bin",
      "depends=jbd2,crc16,i2c-algo-bit",
      "name=ext4-fs",
      "vermagic=6.12 SMP",
    ]),
  );
  expect(info).toEqual({
    name: "ext4_fs",
    depends: ["jbd2", "crc16", "i2c_algo_bit"],
    softBefore: ["crypto_crc32c", "other"],
    aliases: ["pci:v00008086d000010D3sv*sd*bc*sc*i*", "fs-ext4"],
    firmware: ["tigon/tg3.bin"],
  });
});

test("readModuleInfo() gives empty lists when depends= is empty", () => {
  const info = readModuleInfo(makeModule(["depends=", "name=x"]));
  expect([info.depends, info.softBefore, info.aliases, info.firmware]).toEqual([[], [], [], []]);
});

test("readModuleInfo() refuses files that are no modules", () => {
  expect(() => readModuleInfo(makeObject({}))).toThrow(/no .modinfo section/);
  expect(() => readModuleInfo(makeModule(["depends="]))).toThrow(/no name=/);
});

test("moduleName() takes file endings and hyphens away", () => {
  const names = ["crc32c-intel.ko.xz", "igb.ko", "virtio_net"].map(moduleName);
  expect(names).toEqual(["crc32c_intel", "igb", "virtio_net"]);
});
