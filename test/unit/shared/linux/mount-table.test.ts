/**
 * Goal: no mount of a device is missed, whatever its number says. Method: mountinfo and sysfs as
 * kernels write them, in a temporary folder.
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { MountTable } from "../../../../shared/linux/mount-table.io.ts";
import { fileFolder } from "../../../rig/folder.ts";

const root = fileFolder();
const path = (name: string): string => join(root, name);

beforeEach(() => {
  rmSync(path("sys"), { recursive: true, force: true });
  mkdirSync(path("proc/self"), { recursive: true });
});

function tableOf(...lines: readonly string[]): MountTable {
  writeFileSync(path("proc/self/mountinfo"), `${lines.join("\n")}\n`);
  return new MountTable(path("sys"), path("proc"));
}

/** A Btrfs file system in use, as its folder in sysfs shows it. */
function volume(uuid: string, ...devices: readonly string[]): void {
  mkdirSync(path(`sys/fs/btrfs/${uuid}/devices`), { recursive: true });
  mkdirSync(path("sys/fs/btrfs/features"), { recursive: true });
  for (const name of devices) writeFileSync(path(`sys/fs/btrfs/${uuid}/devices/${name}`), "");
}

describe("MountTable", () => {
  test("finds a mount by its number, with blanks in the place", () => {
    const table = tableOf("36 1 8:97 / /srv/my\\040data rw shared:1 - ext4 /dev/root rw");
    expect(table.of("sdg1", "8:97")).toMatchObject([{ place: "/srv/my data", writable: true }]);
    expect(table.of("sdg2", "8:98")).toEqual([]);
  });

  test("finds a mount by its source when the number is the file system's own", () => {
    const table = tableOf("36 1 0:33 /home /home rw,noatime - btrfs /dev/sdg1 rw,subvol=/home");
    expect(table.of("sdg1", "8:97")).toMatchObject([{ place: "/home", writable: true }]);
    expect(table.of("sdg", "8:96")).toEqual([]);
  });

  test("follows a source that is a link, and one that is a file of the device's number", () => {
    symlinkSync("/dev/null", path("renamed")); // any device that exists everywhere
    writeFileSync(path("sdg1"), "");
    symlinkSync(path("sdg1"), path("link"));
    const table = tableOf(
      `36 1 0:33 / /one rw - btrfs ${path("link")} rw`,
      `37 1 0:34 / /two rw - btrfs ${path("renamed")} rw`,
      `38 1 0:35 / /three rw - btrfs ${path("nowhere")} rw`,
    );
    expect(table.of("sdg1", "8:97")).toMatchObject([{ place: "/one" }]);
    expect(table.of("sdh", "1:3")).toMatchObject([{ place: "/two" }]);
  });

  test("counts every device of a Btrfs volume, whichever one the mount names", () => {
    volume("11", "sdg1", "sdh1");
    volume("22", "sdi1");
    const table = tableOf("36 1 0:33 / /pool ro - btrfs /dev/sdg1 ro,space_cache");
    expect(table.of("sdh1", "8:113")).toMatchObject([{ place: "/pool", writable: false }]);
    expect(table.of("sdi1", "8:129")).toEqual([
      { place: "a place of another namespace", writable: true },
    ]);
    expect(table.of("sdj1", "8:145")).toEqual([]);
  });

  test.each([
    ["ro", "rw", true],
    ["rw", "ro", false],
  ])("goes by the file system's options: place %s, file system %s", (place, own, writable) => {
    const table = tableOf(`36 1 8:97 / /srv ${place} master:2 - ext4 /dev/sdg1 ${own},relatime`);
    expect(table.of("sdg1", "8:97")).toMatchObject([{ writable }]);
  });

  test("takes no source without a path for a device", () => {
    const table = tableOf("36 1 0:5 / /tmp rw - tmpfs sdg1 rw", "", "garbage");
    expect(table.of("sdg1", "8:97")).toEqual([]);
  });

  test("fails when there is no mountinfo, because then nothing is known to be free", () => {
    expect(() => new MountTable(path("sys"), path("nowhere"))).toThrow(/ENOENT/);
  });
});
