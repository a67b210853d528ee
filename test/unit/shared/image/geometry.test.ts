/**
 * Goal: an image whose parts contradict each other is refused before anything is written. Method:
 * the manifest of a real capture, changed in one place.
 */
import { describe, expect, test } from "vitest";
import { checkGeometry } from "../../../../shared/image/geometry.ts";
import type { Manifest, ManifestPartition } from "../../../../shared/image/manifest.ts";
import { placeImage } from "../../../../shared/image/place-image.ts";
import { gptDisk, MIB, saved } from "../../../rig/image-fixtures.ts";

const { index } = await saved(gptDisk());
const { manifest, table } = index;
const [first, second] = manifest.partitions;
if (first === undefined || second === undefined) throw new Error("two partitions wanted");

type Change = (partition: ManifestPartition) => Partial<ManifestPartition>;

/** The manifest with other partitions: one change for each. */
function withPartitions(...changes: readonly Change[]): Manifest {
  const partitions = manifest.partitions.map((one, at) => ({ ...one, ...changes[at]?.(one) }));
  return { ...manifest, partitions };
}

const none: Change = () => ({});
const needs = (minBytes: number): Manifest => ({
  ...manifest,
  requires: { ...manifest.requires, minBytes },
});

describe("checkGeometry()", () => {
  test("takes what a capture makes", () => {
    expect(() => {
      checkGeometry(manifest, table);
    }).not.toThrow();
  });

  test.each<[string, Manifest, RegExp]>([
    [
      "two partitions share bytes",
      withPartitions(() => ({ lengthBytes: 4 * MIB })),
      /inside of another/,
    ],
    ["partitions do not ascend", { ...manifest, partitions: [second, first] }, /out of order/],
    ["a partition has no bytes", withPartitions(() => ({ lengthBytes: 0 })), /covers bytes/],
    [
      "a partition leaves the disk",
      withPartitions(none, () => ({ lengthBytes: 5 * MIB })),
      /the disk has/,
    ],
    [
      "a partition begins within a sector",
      {
        ...withPartitions((one) => ({ startBytes: one.startBytes + 512 })),
        disk: { ...manifest.disk, sectorBytes: 4096 },
      },
      /covers bytes/,
    ],
    [
      "content lies outside of its partition",
      withPartitions(none, () => ({ lengthBytes: MIB })),
      /is of 2 and lies in 0/,
    ],
    [
      "content lies across the end of its partition",
      withPartitions(none, () => ({ lengthBytes: 2 * MIB - 512 })),
      /across a border/,
    ],
    [
      "content begins before its partition",
      withPartitions((one) => ({ startBytes: one.startBytes + 512, lengthBytes: MIB })),
      /across a border|is of 1 and lies in 0/,
    ],
    [
      "content of no partition reaches into one",
      withPartitions((one) => ({
        startBytes: one.startBytes - 512,
        lengthBytes: one.lengthBytes + 512,
      })),
      /across a border/,
    ],
    [
      "content is of another partition",
      withPartitions(
        () => ({ number: 2 }),
        () => ({ number: 1 }),
      ),
      /is of 1 and lies in 2/,
    ],
    [
      "content of a partition is of none",
      { ...manifest, partitions: [first] },
      /is of 2 and lies in 0/,
    ],
    ["the smallest disk has no bytes", needs(0), /reaches to/],
    ["the smallest disk ends inside the content", needs(6 * MIB - 512), /reaches to/],
  ])("refuses an image if %s", (_, one, message) => {
    expect(() => {
      checkGeometry(one, table);
    }).toThrow(message);
    const target = { sizeBytes: 64 * MIB, sectorBytes: one.disk.sectorBytes };
    expect(() => placeImage({ manifest: one, table }, target)).toThrow(
      expect.objectContaining({ code: "bad_geometry" }),
    );
    const wish = { kind: "partition", number: 1, at: { start: 8 * MIB, end: 32 * MIB } } as const;
    expect(() => placeImage({ manifest: one, table }, target, wish)).toThrow(
      expect.objectContaining({ code: "bad_geometry" }),
    );
  });

  test("takes an extended partition around others", () => {
    const around = { ...first, number: 4, mode: "skip" as const, lengthBytes: 5 * MIB };
    expect(() => {
      checkGeometry({ ...manifest, partitions: [around, first, second] }, table);
    }).not.toThrow();
  });
});
