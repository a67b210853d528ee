/**
 * Goal: a placement covers the image exactly once, stays on its target, and never contradicts
 * itself, whatever the target. Method: placements of real captures on drawn targets.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  intersectRanges,
  normalRanges,
  type Range,
  rangesCover,
  subtractRanges,
} from "../../../../shared/core/ranges.ts";
import {
  checkFits,
  placeImage,
  type PlacementChoice,
  type TargetSize,
} from "../../../../shared/image/place-image.ts";
import {
  isPlaced,
  placedWithin,
  placedWrites,
  type Placement,
} from "../../../../shared/image/placement.ts";
import { signaturePlaces } from "../../../../shared/image/signature-places.ts";
import { gptDisk, MIB, saved } from "../../../rig/image-fixtures.ts";

const { index } = await saved(gptDisk());
const { manifest, table } = index;
const target = (sizeBytes: number, sectorBytes = 512): TargetSize => ({ sizeBytes, sectorBytes });

/** Where the content of a chunk goes, as runs of the target. */
function placesOf(placement: Placement, chunk: number): Range[] {
  const raw = new Uint8Array(table.entry(chunk).rawBytes);
  return placedWrites(placement, table, chunk, raw).map(({ offset, bytes }) => ({
    start: offset,
    end: offset + bytes.byteLength,
  }));
}

function chunksOf(placement: Placement): number[] {
  return Array.from({ length: table.count }, (_, chunk) => chunk).filter((chunk) =>
    isPlaced(placement, chunk),
  );
}

describe("placeImage() of a whole disk", () => {
  test("of the same size is the identity", () => {
    const placement = placeImage(index, target(8 * MIB));
    expect(placement.runs).toEqual([{ start: 0, end: 8 * MIB, device: 0, to: 0 }]);
    expect(placement.chunks).toEqual([{ start: 0, end: table.count }]);
    expect([placement.resized, placement.fixups]).toEqual([false, []]);
    for (const chunk of chunksOf(placement)) {
      const wanted = table.extents(chunk).map((one) => ({
        start: one.start * 512,
        end: one.end * 512,
      }));
      expect(placesOf(placement, chunk)).toEqual(wanted);
    }
  });

  test("clears both ends, heads and tails, and what is blank, and opens with sector 0 last", () => {
    const { devices, gateChunks } = placeImage(index, target(8 * MIB));
    const clear = devices[0]?.clear ?? [];
    const gates = [
      { start: 0, end: MIB + 65536 },
      { start: 4 * MIB, end: 4 * MIB + 65536 },
      { start: 6 * MIB - 65536, end: 6 * MIB },
      { start: 7 * MIB, end: 8 * MIB },
    ];
    expect(rangesCover(clear, gates)).toBe(true);
    // all of partition 2 is in the image: what is cleared of it is its gate
    expect(intersectRanges(clear, [{ start: 4 * MIB, end: 6 * MIB }])).toEqual(gates.slice(1, 3));
    // of the ext4 in partition 1 the tail holds nothing
    expect(rangesCover(devices[0]?.blank ?? [], [{ start: 3 * MIB - 65536, end: 3 * MIB }])).toBe(
      true,
    );
    expect(table.extents(gateChunks.at(-1) ?? -1)[0]?.start).toBe(0);
    expect(devices[0]?.door).toEqual({ start: 0, end: 512 });
  });

  test("leaves out the old end of the disk and clears the new one when sizes differ", () => {
    const placement = placeImage(index, target(9 * MIB));
    expect([placement.resized, placement.fixups.length]).toEqual([true, 1]);
    expect(placement.chunks).toEqual([{ start: 0, end: table.count - 1 }]);
    expect(placement.devices[0]?.clear.at(-1)?.end).toBe(9 * MIB);
    const ends = [{ start: 7 * MIB, end: 9 * MIB }];
    expect(rangesCover(placement.devices[0]?.blank ?? [], ends)).toBe(true);
  });

  test("refuses a target that ends inside the content", () => {
    const requires = { ...manifest.requires, minBytes: 0 };
    const small = { table, manifest: { ...manifest, requires } };
    expect(() => placeImage(small, target(4096))).toThrow(
      /it is to fit a disk of 0 bytes, and reaches to 6291456/,
    );
  });

  test("takes a disk of minBytes and none below, and no other sector size", () => {
    const { minBytes } = manifest.requires;
    expect(minBytes).toBe(6 * MIB + 33 * 512);
    expect(() => {
      checkFits(manifest, target(minBytes));
      checkFits(manifest, target(minBytes + 512));
    }).not.toThrow();
    expect(() => placeImage(index, target(minBytes - 512))).toThrow(
      `the disk has ${minBytes - 512} bytes, ${minBytes} wanted`,
    );
    expect(() => placeImage(index, target(100 * MIB, 4096))).toThrow(
      /sectors of 4096 bytes, 512 wanted/,
    );
  });
});

describe("P14: an image fits the disk that it was saved from", () => {
  test.each([
    ["with a GPT", gptDisk()],
    ["that ends where its last partition does", gptDisk().subarray(0, 6 * MIB)],
    ["without a table", new Uint8Array(MIB + 512).fill(7)],
    ["of zeros", new Uint8Array(2 * MIB)],
  ])("a disk %s", async (_, disk) => {
    const image = await saved(disk);
    const placement = placeImage(image.index, target(disk.byteLength));
    expect(placement.resized).toBe(false);
    expect(placement.fixups).toEqual([]);
  });
});

describe("placeImage() of one partition", () => {
  const [, second] = manifest.partitions;
  const at = { start: 20 * MIB, end: 22 * MIB };
  const wish = (number: number, place: Range = at): PlacementChoice => ({
    kind: "partition",
    number,
    at: place,
  });

  test("writes inside that partition only, its first sector last", () => {
    const placement = placeImage(index, target(64 * MIB), wish(2));
    const { start = 0 } = { start: second?.startBytes };
    expect(placement.runs).toEqual([{ start, end: start + 2 * MIB, device: 0, to: at.start }]);
    const chunks = chunksOf(placement);
    expect(chunks.map((chunk) => table.entry(chunk).partition)).toEqual(chunks.map(() => 2));
    expect(normalRanges(chunks.flatMap((chunk) => placesOf(placement, chunk)))).toEqual([at]);
    expect(placement.devices).toEqual([
      {
        bounds: at,
        clear: [
          { start: at.start, end: at.start + 65536 },
          { start: at.end - 65536, end: at.end },
        ],
        blank: [],
        door: { start: at.start, end: at.start + 512 },
      },
    ]);
  });

  test("refuses a partition that is not in the image, and one that has no room", () => {
    expect(() => placeImage(index, target(64 * MIB), wish(7))).toThrow(/the image has 1, 2/);
    const short = { start: 20 * MIB, end: 22 * MIB - 512 };
    expect(() => placeImage(index, target(64 * MIB), wish(2, short))).toThrow(/2097152 wanted/);
    expect(() => placeImage(index, target(21 * MIB), wish(2))).toThrow(/2097152 wanted/);
  });
});

/** Any target that holds the image, and what may be wanted there. */
const placements = fc.oneof(
  fc
    .integer({ min: manifest.requires.minBytes / 512, max: 200_000 })
    .map((sectors) => placeImage(index, target(sectors * 512))),
  fc
    .record({
      number: fc.constantFrom(1, 2),
      start: fc.integer({ min: 1, max: 100_000 }),
      more: fc.integer({ min: 0, max: 10_000 }),
    })
    .map(({ number, start, more }) => {
      const at = { start: start * 512, end: (start + more) * 512 + 2 * MIB };
      return placeImage(index, target(200_000 * 512), { kind: "partition", number, at });
    }),
);

describe("every placement", () => {
  test("places every extent once or not at all, inside its bounds", () => {
    fc.assert(
      fc.property(placements, (placement) => {
        const [device] = placement.devices;
        if (device === undefined) throw new Error("no device");
        const places = chunksOf(placement).flatMap((chunk) => placesOf(placement, chunk));
        const bytes = places.reduce((sum, { start, end }) => sum + end - start, 0);
        const all = normalRanges(places);
        expect(all.reduce((sum, { start, end }) => sum + end - start, 0)).toBe(bytes);
        expect(rangesCover([device.bounds], [...all, ...device.clear, device.door])).toBe(true);
        const raw = chunksOf(placement).reduce((sum, at) => sum + table.entry(at).rawBytes, 0);
        expect(bytes).toBe(raw);
      }),
    );
  });

  test("clears all that its gate will write, the door first, and ends with one sector", () => {
    fc.assert(
      fc.property(placements, (placement) => {
        const [device] = placement.devices;
        if (device === undefined) throw new Error("no device");
        const { clear, door } = device;
        expect(door.end - door.start).toBe(512);
        expect(clear[0]?.start).toBe(door.start);
        for (const chunk of placement.gateChunks) {
          const places = normalRanges(placesOf(placement, chunk));
          expect(subtractRanges(places, clear)).toEqual([]);
        }
      }),
    );
  });

  test("P13: leaves blank every place of a signature that no chunk is written to", () => {
    fc.assert(
      fc.property(placements, (placement) => {
        const [device] = placement.devices;
        if (device === undefined) throw new Error("no device");
        const { bounds, blank, clear } = device;
        const held = normalRanges(chunksOf(placement).flatMap((at) => placesOf(placement, at)));
        expect(intersectRanges(blank, held)).toEqual([]);
        expect(rangesCover(clear, blank)).toBe(true);
        const places = signaturePlaces(bounds, 512);
        expect(subtractRanges(places, normalRanges([...blank, ...held]))).toEqual([]);
      }),
    );
  });

  test("finds by place exactly the chunks that are written there", () => {
    const runs = fc.tuple(fc.nat(200_000), fc.integer({ min: 1, max: 5000 }));
    fc.assert(
      fc.property(placements, runs, (placement, [start, length]) => {
        const place = { start: start * 512, end: (start + length) * 512 };
        const found = placedWithin(placement, table, 0, place);
        const wanted = chunksOf(placement).flatMap((chunk) =>
          intersectRanges(normalRanges(placesOf(placement, chunk)), [place]),
        );
        expect(normalRanges(found)).toEqual(normalRanges(wanted));
        for (const part of found) {
          const places = normalRanges(placesOf(placement, part.chunk));
          expect(rangesCover(places, [{ start: part.start, end: part.end }])).toBe(true);
        }
      }),
    );
  });
});
