/**
 * Goal: what the interface makes impossible is refused before a port is opened, and boot files that
 * are built anew are published. Method: addresses that this host need not have; a small folder.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Inventory } from "../../../../server/inventory/inventory.ts";
import { assetsOf } from "../../../../server/boot/assets.ts";
import { assetsNow, startLabBoot } from "../../../../server/enter/lab-boot.io.ts";
import { BOOT_ASSETS } from "../../../rig/dhcp-vectors.ts";

const lab = { interfaceName: "lab0", address: "10.0.0.1", netmask: "255.255.255.0" };

test.each([
  ["its end", "10.0.0.250", "10.0.1.20"],
  ["its begin", "9.255.255.250", "10.0.0.20"],
  ["all of it", "192.168.0.1", "192.168.0.9"],
])(
  "startLabBoot() refuses a range that lies partly or wholly (%s) outside the interface's subnet",
  async (_, first, last) => {
    const starting = startLabBoot({
      lab,
      dhcp: { mode: "full", range: { first, last } },
      port: 4081,
      files: { folder: "/nonexistent", loaders: {} },
      inventory: () => new Inventory([], {}),
      wantsReceiver: () => false,
      grant: () => undefined,
      event: () => undefined,
      problem: () => undefined,
    });
    await expect(starting).rejects.toMatchObject({
      code: "range_outside",
      message:
        `Cannot hand out ${first}-${last}: lab0 has 10.0.0.1 with mask 255.255.255.0, ` +
        "addresses of that subnet wanted",
    });
  },
);

test("assetsNow() gives what was built anew, and what there was when that is broken", () => {
  const folder = mkdtempSync(join(tmpdir(), "huck-lab-boot-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const build = (version: string, sizeBytes: number): void => {
    const file = { sizeBytes, sha256: "a".repeat(64), architecture: "x64" };
    const kernel = { name: "k", role: "kernel", ...file };
    const archive = { name: "a", role: "archive", order: 0, ...file };
    for (const name of ["k", "a"]) writeFileSync(join(folder, name), "12345");
    const manifest = { format: 2, version, files: [kernel, archive] };
    writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  };
  const problems: string[] = [];
  const look = (before = assetsOf("0.0.1", BOOT_ASSETS)) =>
    assetsNow({ folder, loaders: {} }, before, (what) => problems.push(what));
  build("0.0.2", 5);
  const built = look();
  expect([built.version, problems]).toEqual(["0.0.2", []]);
  build("0.0.3", 6);
  expect(look(built)).toBe(built);
  expect(problems).toEqual(["read the boot files again (those known so far stay published)"]);
});
