/**
 * Goal: the modules of the devices that are there are loaded, each after what it needs, once.
 *
 * Method: a synthetic /sys whose devices appear as modules are "loaded"; the kernel's part is a
 * function that records and answers errno values.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { coldplug, globExpression } from "../../../../shared/linux/modules.io.ts";
import type { ModuleTable } from "../../../../shared/linux/modules.io.ts";
import { testFolder } from "../../../rig/folder.ts";

let sys = "";

beforeEach(() => {
  sys = testFolder();
});

function device(bus: string, name: string, alias: string): void {
  const folder = join(sys, "bus", bus, "devices", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "modalias"), `${alias}\n`);
}

const table: ModuleTable = {
  modules: {
    e1000e: {
      file: "e1000e.ko",
      depends: ["ptp"],
      aliases: ["pci:v00008086d000010D3sv*sd*bc*sc*i*"],
    },
    ptp: { file: "ptp.ko", depends: [], aliases: [] },
    virtio_blk: { file: "virtio_blk.ko", depends: [], aliases: ["virtio:d00000002v*"] },
    virtio_pci: { file: "virtio_pci.ko", depends: [], aliases: ["pci:v00001AF4d*sv*sd*bc*sc*i*"] },
    sd_mod: { file: "sd_mod.ko", depends: [], aliases: [] },
    broken: { file: "broken.ko", depends: [], aliases: ["pci:v0000DEAD*"] },
  },
  always: ["sd_mod"],
};

describe("coldplug()", () => {
  test("loads what devices ask for, dependencies first, and what a new bus brings to light", () => {
    device("pci", "0000:00:03.0", "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00");
    device("pci", "0000:00:04.0", "pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00");
    device("pci", "0000:00:05.0", "pci:v0000DEADd00000001sv0sd0bc00sc00i00");
    device("platform", "none", "");
    const order: string[] = [];
    const result = coldplug(table, sys, (file) => {
      order.push(file);
      if (file === "virtio_pci.ko") device("virtio", "virtio0", "virtio:d00000002v00001AF4");
      return file === "broken.ko" ? 19 : file === "ptp.ko" ? 17 : 0;
    });
    expect(order.indexOf("ptp.ko")).toBeLessThan(order.indexOf("e1000e.ko"));
    expect(order.indexOf("virtio_pci.ko")).toBeLessThan(order.indexOf("virtio_blk.ko"));
    expect(new Set(order).size).toBe(order.length);
    expect(result.loaded.toSorted()).toEqual(["e1000e", "sd_mod", "virtio_blk", "virtio_pci"]);
    expect(result.failed).toEqual(["broken: ENODEV"]);
  });

  test("loads only what is always wanted when no device matches", () => {
    expect(coldplug(table, sys, () => 0)).toEqual({ loaded: ["sd_mod"], failed: [] });
  });
});

describe("globExpression()", () => {
  test.each([
    ["pci:v*d*", "pci:v1d2", true],
    ["pci:v*d*", "usb:v1d2", false],
    ["usb:v0?d[12]", "usb:v0Ad2", true],
    ["usb:v0?d[12]", "usb:v0Ad3", false],
    ["a[!b]c", "abc", false],
    ["a[!b]c", "axc", true],
    ["a.c", "abc", false],
    ["dmi*:svn[A-F]:", "dmi:bvn:svnB:", true],
    ["of:N*T*Cfsl,x", "of:Ni2cT(null)Cfsl,x", true],
    ["abc", "xabc", false],
  ])("%s on %s: %s", (glob, text, matches) => {
    expect(globExpression(glob).test(text)).toBe(matches);
  });
});
