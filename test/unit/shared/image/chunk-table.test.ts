/**
 * Goal: a table that opens is true to its limits; one that lies does not open; ids name content
 * only. Method: round trips of random tables; every field set to something a table must not hold.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../shared/core/digest.ts";
import { ChunkTable, ChunkTableBuilder } from "../../../../shared/image/chunk-table.ts";
import { imageIdOf } from "../../../../shared/image/content-record.ts";
import { cutChunks } from "../../../../shared/image/slots.ts";
import { imageVector } from "../../../rig/image-vector.ts";

const DISK_BYTES = 64 << 20;
const digest = (fill: number) => new Uint8Array(32).fill(fill);

/** Two chunks: a gate chunk of two extents, and one of partition 1. */
function exampleTable(): Uint8Array {
  const builder = new ChunkTableBuilder();
  const zstd = { codec: 1, slotLog2: 20, rawDigest: digest(1), storedDigest: digest(2) } as const;
  builder.add(
    { ...zstd, recordOffset: 4096, storedBytes: 100, rawBytes: 1024, flags: 1, partition: 0 },
    [
      { start: 0, end: 1 },
      { start: 8, end: 9 },
    ],
  );
  builder.add(
    {
      ...zstd,
      recordOffset: 4256,
      storedBytes: 512,
      rawBytes: 512,
      flags: 0,
      partition: 1,
      codec: 0,
    },
    [{ start: 2048, end: 2049 }],
  );
  return builder.finish();
}

const GEOMETRY = {
  disk: { sizeBytes: DISK_BYTES, sectorBytes: 512, table: "gpt" },
  partitions: [{ number: 1, startBytes: 1 << 20, lengthBytes: 1 << 20, mode: "raw" }],
} as const;

describe("ChunkTable", () => {
  test("is the bytes of FORMAT.md", () => {
    expect(toHex(exampleTable())).toBe(imageVector("table"));
  });

  test("gives back what was added", () => {
    const table = new ChunkTable(exampleTable(), DISK_BYTES);
    expect(table.count).toBe(2);
    expect(table.entry(1)).toMatchObject({ recordOffset: 4256, partition: 1, firstExtent: 2 });
    expect(table.extents(0)).toEqual([
      { start: 0, end: 1 },
      { start: 8, end: 9 },
    ]);
    expect(table.recordRange(0)).toEqual({ offset: 4096, length: 156 });
    expect(() => table.entry(2)).toThrow(/the image has 2 chunks/);
    expect(() => table.entry(0.5)).toThrow(/the image has 2 chunks/);
  });

  test("refuses every truncation", () => {
    const bytes = exampleTable();
    for (let length = 0; length < bytes.byteLength; length += 1) {
      expect(() => new ChunkTable(bytes.slice(0, length), DISK_BYTES)).toThrow(
        /^Cannot read chunk table/,
      );
    }
  });

  test.each([
    ["first record inside the header", 16, 8, 4088n],
    ["records that overlap", 112, 8, 4200n],
    ["an offset that is no multiple of 8", 112, 8, 4260n],
    ["an offset beyond 2^53", 112, 8, 2n ** 60n],
    ["no stored bytes", 24, 4, 0n],
    ["more stored than raw bytes", 24, 4, 2000n],
    ["raw bytes that are not its extents'", 28, 4, 1536n],
    ["raw bytes over the limit", 28, 4, 2n ** 21n],
    ["an unknown codec", 32, 1, 2n],
    ["the raw codec with fewer stored bytes", 32, 1, 0n],
    ["an unknown flag", 33, 1, 4n],
    ["no extents", 34, 2, 0n],
    ["too many extents", 34, 2, 2049n],
    ["extents of another chunk", 36, 4, 1n],
    ["a slot of another size", 42, 1, 21n],
    ["an extent outside its slot", 16 + 192 + 12, 8, 2048n],
    ["an extent before the one before it", 16 + 192 + 12, 8, 0n],
    ["an extent behind the disk", 16 + 192 + 24, 8, 2n ** 40n],
    ["a count that the bytes do not hold", 4, 4, 3n],
    ["a count over the limit", 4, 4, 2n ** 31n],
    ["another magic", 0, 4, 0n],
  ] as const)("refuses a table with %s", (_, offset, length, value) => {
    const bytes = exampleTable();
    for (let index = 0; index < length; index += 1) {
      bytes[offset + index] = Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn);
    }
    expect(() => new ChunkTable(bytes, DISK_BYTES)).toThrow(/^Cannot read chunk table/);
  });

  test("opens whatever cutChunks() and the builder make", () => {
    const extents = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 300 })), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(extents, (gaps) => {
        let at = 0;
        const used = gaps.map(([gap, length]) => {
          const start = at + gap + 1;
          at = start + length;
          return { start, end: at };
        });
        const regions = [{ partition: 0, gate: false, diskEnd: false, used }];
        const builder = new ChunkTableBuilder();
        let recordOffset = 4096;
        for (const chunk of cutChunks(regions, 512)) {
          const { rawBytes, slotLog2, flags, partition } = chunk;
          const raw = { codec: 0, rawDigest: digest(1), storedDigest: digest(1) } as const;
          const entry = { ...raw, recordOffset, storedBytes: rawBytes, rawBytes, slotLog2 };
          builder.add({ ...entry, flags, partition }, chunk.extents);
          recordOffset += 56 + rawBytes;
        }
        const table = new ChunkTable(builder.finish(), DISK_BYTES);
        const found = Array.from({ length: table.count }, (__, index) => table.extents(index));
        const units = (list: readonly { start: number; end: number }[]) =>
          list.reduce((sum, { start, end }) => sum + end - start, 0);
        expect(units(found.flat())).toBe(units(used));
      }),
    );
  });
});

describe("imageIdOf()", () => {
  test("is the digest of FORMAT.md's example", () => {
    const table = new ChunkTable(exampleTable(), DISK_BYTES);
    expect(toHex(imageIdOf(GEOMETRY, table))).toBe(imageVector("image-id"));
  });

  test("does not depend on where or how chunks are stored, but on all else", () => {
    const id = (change: (bytes: Uint8Array) => void): string => {
      const bytes = exampleTable();
      change(bytes);
      return toHex(imageIdOf(GEOMETRY, new ChunkTable(bytes, DISK_BYTES)));
    };
    const same = id(() => undefined);
    expect(id((bytes) => bytes.fill(9, 16 + 64, 16 + 96))).toBe(same); // stored digest
    expect(id((bytes) => bytes.fill(99, 27, 28))).toBe(same); // stored length
    const differing = [
      id((bytes) => bytes.fill(9, 16 + 32, 16 + 64)), // raw digest
      id((bytes) => bytes.fill(2, 33, 34)), // flags
      id((bytes) => bytes.fill(7, 41, 42)), // partition
      id((bytes) => bytes.fill(22, 42, 43)), // slot
      id((bytes) => bytes.fill(9, 16 + 192 + 19, 16 + 192 + 20)), // place of an extent
    ];
    expect(new Set([same, ...differing]).size).toBe(6);
  });

  test("depends on size, table kind, partitions and modes", () => {
    const table = new ChunkTable(exampleTable(), DISK_BYTES);
    const [one] = GEOMETRY.partitions;
    const ids = [
      GEOMETRY,
      { ...GEOMETRY, disk: { ...GEOMETRY.disk, sizeBytes: DISK_BYTES + 512 } },
      { ...GEOMETRY, disk: { ...GEOMETRY.disk, sectorBytes: 4096 } },
      { ...GEOMETRY, disk: { ...GEOMETRY.disk, table: "mbr" as const } },
      { ...GEOMETRY, partitions: [] },
      { ...GEOMETRY, partitions: [{ ...one, mode: "allocated" as const }] },
      { ...GEOMETRY, partitions: [{ ...one, lengthBytes: 512 }] },
    ].map((geometry) => toHex(imageIdOf(geometry, table)));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
