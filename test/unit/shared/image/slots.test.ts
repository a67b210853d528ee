/**
 * Goal: every used unit lands in exactly one chunk, and what did not change gives the same chunk.
 * Method: random maps against a bit set; a change in one slot compared with the chunks of all
 * others.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalRanges, type Range } from "../../../../shared/core/ranges.ts";
import { type ChunkPlan, cutChunks, totalsOf } from "../../../../shared/image/slots.ts";

const MIB_UNITS = 2048;
const region = (used: readonly Range[]) => [{ partition: 3, gate: false, diskEnd: false, used }];

const maps = fc
  .array(fc.tuple(fc.nat(100 * MIB_UNITS), fc.integer({ min: 1, max: 6000 })), { maxLength: 40 })
  .map((pairs) => normalRanges(pairs.map(([start, length]) => ({ start, end: start + length }))));

function keyOf(chunk: ChunkPlan): string {
  return JSON.stringify([chunk.slotLog2, chunk.extents]);
}

describe("cutChunks()", () => {
  test("covers every used unit once and keeps all limits", () => {
    fc.assert(
      fc.property(maps, (used) => {
        const chunks = [...cutChunks(region(used), 512)];
        expect(normalRanges(chunks.flatMap(({ extents }) => extents))).toEqual(used);
        let end = 0;
        for (const { extents, rawBytes, slotLog2, partition } of chunks) {
          const units = extents.reduce((sum, one) => sum + one.end - one.start, 0);
          expect(rawBytes).toBe(units * 512);
          expect(rawBytes).toBeLessThanOrEqual(1 << 20);
          const slotUnits = 2 ** slotLog2 / 512;
          const first = extents[0]?.start ?? 0;
          const last = extents.at(-1)?.end ?? 0;
          expect(Math.floor(first / slotUnits)).toBe(Math.floor((last - 1) / slotUnits));
          expect(first).toBeGreaterThanOrEqual(end);
          expect(partition).toBe(3);
          end = last;
        }
      }),
    );
  });

  test("makes one chunk of 64 MiB that hold 1 MiB or less, small slots of a full stretch", () => {
    const sparse = [
      { start: 0, end: 1 },
      { start: 60 * MIB_UNITS, end: 61 * MIB_UNITS - 1 },
    ];
    const slots = (used: readonly Range[]) =>
      [...cutChunks(region(used), 512)].map(({ slotLog2 }) => slotLog2);
    expect(slots(sparse)).toEqual([26]);
    expect(slots([{ start: 0, end: 5 * MIB_UNITS }])).toEqual([20, 20, 20, 20, 22]);
  });

  test("gives identical chunks for slots that did not change", () => {
    fc.assert(
      fc.property(maps, fc.nat(100 * MIB_UNITS), (used, place) => {
        const slot = Math.floor(place / (64 * MIB_UNITS));
        const inSlot = (chunk: ChunkPlan) =>
          Math.floor((chunk.extents[0]?.start ?? 0) / (64 * MIB_UNITS)) === slot;
        const changed = normalRanges([...used, { start: place, end: place + 1 }]);
        const others = (list: readonly Range[]) =>
          [...cutChunks(region(list), 512)].filter((chunk) => !inSlot(chunk)).map(keyOf);
        expect(others(changed)).toEqual(others(used));
      }),
    );
  });

  test("counts in units of 512 bytes when sectors have 4096", () => {
    const [chunk] = cutChunks(region([{ start: 1, end: 3 }]), 4096);
    expect(chunk?.extents).toEqual([{ start: 8, end: 24 }]);
  });

  test("marks gate and disk end", () => {
    const used = [{ start: 0, end: 1 }];
    const [chunk] = cutChunks([{ partition: 0, gate: true, diskEnd: true, used }], 512);
    expect(chunk?.flags).toBe(3);
  });
});

describe("totalsOf()", () => {
  const sparse = [0, 1, 2].map((slot) => ({
    start: slot * 64 * MIB_UNITS,
    end: 130_000 * slot + 9,
  }));

  test("adds up what would be read", () => {
    const all = normalRanges(sparse);
    const chunks = [...cutChunks(region(all), 512)];
    expect(totalsOf(chunks)).toEqual({
      count: chunks.length,
      extents: chunks.flatMap(({ extents }) => extents).length,
      rawBytes: 512 * all.reduce((sum, { start, end }) => sum + end - start, 0),
    });
  });

  test("refuses more chunks than an image may have, at the first one too many", () => {
    const disk = [{ start: 0, end: 2 ** 53 / 512 }]; // too many to be counted to the end
    const chunks = (): Iterable<ChunkPlan> => cutChunks(region(disk), 512);
    expect(() => totalsOf(chunks(), 1000)).toThrow(
      /^Cannot save: the disk needs more than 1000 chunks/,
    );
  });
});
