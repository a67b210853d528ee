/**
 * Goal: data that is not kept is seen, zeros are called zeros, and what was not looked at is not
 * called anything. Method: one byte at edges; a limit below the length.
 */
import { describe, expect, test } from "vitest";
import { lookAt } from "../../../../shared/allocation/look.ts";
import { memorySource } from "../../../rig/memory-source.ts";

const DISK_BYTES = 8 << 20;

describe("lookAt()", () => {
  test.each([512, 4096])("finds the first sector of %i bytes that holds data", (sectorBytes) => {
    const disk = new Uint8Array(DISK_BYTES);
    const stretch = { start: 8, end: DISK_BYTES / sectorBytes - 8 };
    const source = memorySource(disk, sectorBytes);
    disk[stretch.start * sectorBytes - 1] = 1;
    disk[stretch.end * sectorBytes] = 1;
    expect(lookAt(source, [stretch])).toEqual([{ data: undefined, complete: true }]);
    disk[stretch.end * sectorBytes - 1] = 1;
    expect(lookAt(source, [stretch])).toEqual([{ data: stretch.end - 1, complete: true }]);
    disk[stretch.start * sectorBytes] = 1;
    expect(lookAt(source, [stretch])[0]?.data).toBe(stretch.start);
  });

  test("reads no more than it may, all over the stretches, and says so", () => {
    const plain = memorySource(new Uint8Array(DISK_BYTES));
    const read: number[] = [];
    const source = {
      ...plain,
      read(lba: number, into: Uint8Array) {
        read.push(lba);
        plain.read(lba, into);
      },
    };
    const stretches = [
      { start: 0, end: 4096 },
      { start: 8192, end: 16384 },
    ];
    const seen = lookAt(source, stretches, 2 << 20);
    expect(seen).toEqual(stretches.map(() => ({ data: undefined, complete: false })));
    expect(read).toEqual([0, 8192, 14336]);
  });
});
