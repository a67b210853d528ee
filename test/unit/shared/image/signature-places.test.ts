/**
 * Goal: the places hold every signature we know of, and lie where they may be cleared. Method: the
 * offsets that each format's own text gives, for sizes that are odd in every way.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { rangesCover } from "../../../../shared/core/ranges.ts";
import { signaturePlaces } from "../../../../shared/image/signature-places.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const down = (value: number, unit: number): number => Math.floor(value / unit) * unit;

/** [name, offset of the structure in a device of that size, its length]. */
const STRUCTURES: readonly (readonly [string, (size: number) => number, number])[] = [
  ["md 0.90", (size) => down(size, 64 * KIB) - 64 * KIB, 4 * KIB],
  ["md 1.0", (size) => down(size, 4 * KIB) - 8 * KIB, 4 * KIB],
  ["md 1.2", () => 4 * KIB, 4 * KIB],
  ["btrfs", () => 64 * KIB, 4 * KIB],
  ["first mirror of btrfs", () => 64 * MIB, 4 * KIB],
  ["second mirror of btrfs", () => 256 * 1024 * MIB, 4 * KIB],
  ["ZFS label 0", () => 0, 256 * KIB],
  ["ZFS label 1", () => 256 * KIB, 256 * KIB],
  ["ZFS label 2", (size) => down(size, 256 * KIB) - 512 * KIB, 256 * KIB],
  ["ZFS label 3", (size) => down(size, 256 * KIB) - 256 * KIB, 256 * KIB],
  ["backup GPT", (size) => size - 33 * 512, 33 * 512],
  ["HFS+ alternate header", (size) => down(size, 512) - 1024, 512],
  ["Promise FastTrak", (size) => size - 3087 * 512, 512],
  ["bcachefs at the end", (size) => size - MIB, 4 * KIB],
  ["VMFS", () => 2 * MIB, 4],
  ["UDF anchor of 2 KiB blocks", () => 256 * 2 * KIB, 512],
];

test.each(STRUCTURES)("signaturePlaces() covers %s at any size", (_name, place, length) => {
  const sizes = fc.tuple(fc.integer({ min: 2 * MIB, max: 2 ** 43 }), fc.nat(2 ** 30));
  fc.assert(
    fc.property(sizes, ([bytes, first]) => {
      const size = down(bytes, 512);
      const start = first * 512;
      const offset = place(size);
      fc.pre(offset + length <= size);
      const where = { start: start + offset, end: start + offset + length };
      const places = signaturePlaces({ start, end: start + size }, 512);
      expect(rangesCover(places, [where])).toBe(true);
    }),
  );
});

test("signaturePlaces() gives whole sectors inside the range, and never much", () => {
  const sectors = fc.tuple(fc.nat(2 ** 40), fc.integer({ min: 1, max: 2 ** 40 }));
  fc.assert(
    fc.property(sectors, fc.constantFrom(512, 4096), ([first, count], sectorBytes) => {
      const range = { start: first * sectorBytes, end: (first + count) * sectorBytes };
      const places = signaturePlaces(range, sectorBytes);
      expect(rangesCover([range], places)).toBe(true);
      for (const { start, end } of places) {
        expect([start % sectorBytes, end % sectorBytes]).toEqual([0, 0]);
      }
      const bytes = places.reduce((sum, { start, end }) => sum + end - start, 0);
      expect(bytes).toBeLessThan(3 * MIB);
    }),
  );
});
