/**
 * Goal: tables of other systems are known by name, and nothing else is taken for one. Method: magic
 * numbers at their places and beside them; real boot sectors.
 */
import { describe, expect, test } from "vitest";
import { findForeignLabel, nestedBecause } from "../../../../shared/disk/labels.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { diskOf, putMbr, readVector } from "../../../rig/disk-fixtures.ts";

function planted(offset: number, hex: string, bytes = 65536): Uint8Array {
  const disk = new Uint8Array(bytes);
  disk.set(Buffer.from(hex, "hex"), offset);
  return disk;
}

describe("findForeignLabel()", () => {
  test.each([
    ["a BSD disk label", 512, "57455682"],
    ["a BSD disk label", 64, "57455682"],
    ["a Solaris label", 524, "eede0d60"],
    ["a UnixWare label", 29 * 512 + 4, "0d605eca"],
    ["an SGI disk label", 0, "0be5a941"],
    ["an AIX disk label", 0, "c9c2d4c1"],
    ["an Amiga partition table", 15 * 512, "5244534b"],
  ])("finds %s at byte %i and nowhere else", (title, offset, hex) => {
    expect(findForeignLabel(memorySource(planted(offset, hex)))).toBe(title);
    expect(findForeignLabel(memorySource(planted(offset, hex), 4096))).toBe(title);
    expect(findForeignLabel(memorySource(planted(offset + 2, hex)))).toBeUndefined();
  });

  test("finds a Sun label by number and checksum, and an Apple map by both its blocks", () => {
    const sun = planted(508, "dabedabe");
    expect(findForeignLabel(memorySource(sun))).toBe("a Sun disk label");
    sun[7] = 1;
    expect(findForeignLabel(memorySource(sun))).toBeUndefined();
    const apple = planted(0, "4552");
    expect(findForeignLabel(memorySource(apple))).toBeUndefined();
    apple.set(Buffer.from("PM"), 512);
    expect(findForeignLabel(memorySource(apple))).toBe("an Apple partition map");
  });

  test("finds nothing in file systems, nor in a disk of one sector", () => {
    for (const name of ["fat12", "fat16", "fat32", "ext2", "ext4"]) {
      const disk = diskOf(readVector(`filesystem/${name}.json`));
      expect(findForeignLabel(memorySource(disk)), name).toBeUndefined();
    }
    expect(findForeignLabel(memorySource(new Uint8Array(512)))).toBeUndefined();
  });
});

describe("nestedBecause()", () => {
  test("says why a partition holds more than one thing", () => {
    const plain = memorySource(new Uint8Array(65536));
    expect(nestedBecause(plain, "0x83")).toBeUndefined();
    expect(nestedBecause(plain, "0x42")).toMatch(/dynamic disk/);
    expect(nestedBecause(plain, "0x81")).toBeUndefined();
    const minix = new Uint8Array(65536);
    putMbr(minix, 0, [{ start: 10, sectorCount: 10 }]);
    expect(nestedBecause(memorySource(minix), "0x81")).toMatch(/partitions of its own/);
    expect(nestedBecause(memorySource(minix), "0x83")).toBeUndefined();
    const label = memorySource(planted(512, "57455682"));
    expect(nestedBecause(label, "0xa5")).toBe("it has a BSD disk label, which huck does not read");
  });
});
