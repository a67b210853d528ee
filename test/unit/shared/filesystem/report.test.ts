/** Goal: reports are whole sectors and never short. Method: edges of both sector sizes. */
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../rig/memory-source.ts";
import { cleanMap, keepAll, uuidText } from "../../../../shared/filesystem/report.ts";
import { UsedMap } from "../../../../shared/filesystem/used-map.ts";

function mapOf(...bytes: readonly (readonly [number, number])[]): UsedMap {
  const map = new UsedMap();
  for (const [start, end] of bytes) map.add(start, end);
  return map;
}

const IDENTITY = { kind: "test", features: [], blockBytes: 512, uuid: "", label: "" };

describe("cleanMap()", () => {
  test.each([
    [512, [{ start: 0, end: 1 }]],
    [4096, [{ start: 0, end: 1 }]],
  ])("widens bytes to whole sectors of %i bytes and joins neighbours", (sectorBytes, used) => {
    const source = memorySource(new Uint8Array(64 * 4096), sectorBytes);
    const bytes = mapOf([100, 200], [0, 10]);
    expect(cleanMap(source, IDENTITY, bytes, 64 * 4096).used).toEqual(used);
  });

  test("drops what is empty and stays inside the source", () => {
    const source = memorySource(new Uint8Array(1024));
    const bytes = mapOf([600, 5000], [300, 300]);
    expect(cleanMap(source, IDENTITY, bytes, 1024).used).toEqual([{ start: 1, end: 2 }]);
  });

  test.each([512, 4096])(
    "keeps the last 64 KiB of a longer partition, in sectors of %i",
    (size) => {
      const source = memorySource(new Uint8Array(1 << 20), size);
      const report = cleanMap(source, IDENTITY, mapOf([0, 4096]), 300 * 1024 + 1);
      const [start, tail, end] = [
        Math.ceil((300 * 1024 + 1) / size),
        (960 << 10) / size,
        (1 << 20) / size,
      ];
      expect(report.behind).toEqual({ start, end: tail });
      expect(report.used).toEqual([
        { start: 0, end: 4096 / size },
        { start: tail, end },
      ]);
    },
  );

  test("keeps all behind a file system that ends less than 64 KiB before its partition", () => {
    const source = memorySource(new Uint8Array(1 << 20));
    const report = cleanMap(source, IDENTITY, mapOf([0, 512]), (1 << 20) - 65536);
    expect(report.behind.end - report.behind.start).toBe(0);
    expect(report.used).toEqual([
      { start: 0, end: 1 },
      { start: 2048 - 128, end: 2048 },
    ]);
  });
});

test("keepAll() covers every sector and tells why", () => {
  const report = keepAll(memorySource(new Uint8Array(2048)), IDENTITY, "unknown", "a reason");
  expect(report.used).toEqual([{ start: 0, end: 4 }]);
  expect(report.rawBecause).toBe("a reason");
});

test("uuidText() writes RFC 9562 text, and nothing for zeros", () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => index);
  expect(uuidText(bytes)).toBe("00010203-0405-0607-0809-0a0b0c0d0e0f");
  expect(uuidText(new Uint8Array(16))).toBe("");
});
