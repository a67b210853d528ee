/**
 * Goal: a GPT counts only when both its checksums hold, and the other copy is found when one is
 * damaged. Method: a table that sgdisk wrote, tables written by hand for both sector sizes, and a
 * flip of every byte.
 */
import { describe, expect, test } from "vitest";
import { readGpt, readGptCopy } from "../../../../shared/disk/gpt.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { diskOf, forEachFlip, putGpt, readVector, span } from "../../../rig/disk-fixtures.ts";

const PARTITIONS = [
  { start: 64, sectorCount: 100 },
  { start: 200, sectorCount: 50 },
];

function disk(sectorBytes: number): Uint8Array {
  const bytes = new Uint8Array(300 * sectorBytes);
  putGpt(bytes, sectorBytes, PARTITIONS);
  return bytes;
}

describe("readGpt()", () => {
  test("reads what sgdisk wrote", () => {
    const table = readGpt(memorySource(diskOf(readVector("gpt/sgdisk-512.json"))));
    expect(table?.diskId).toBe("11111111-2222-3333-4444-555555555555");
    expect(table?.partitions).toEqual([
      {
        number: 1,
        start: 64,
        sectorCount: 64,
        type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        name: "boot",
        guid: "aaaaaaaa-0000-0000-0000-000000000001",
        container: false,
      },
      {
        number: 3,
        start: 128,
        sectorCount: 3968,
        type: "0fc63daf-8483-4772-8e79-3d69d8477de4",
        name: "sýstem",
        guid: "aaaaaaaa-0000-0000-0000-000000000003",
        container: false,
      },
    ]);
    expect(table?.warnings).toEqual([]);
    expect(table?.backupSectors).toBe(33);
  });

  test.each([512, 4096])("finds both copies when sectors have %i bytes", (sectorBytes) => {
    const table = readGpt(memorySource(disk(sectorBytes), sectorBytes));
    const entries = 16384 / sectorBytes;
    expect(table?.partitions.map(({ start }) => start)).toEqual([64, 200]);
    expect(table?.tableSectors).toEqual([
      { start: 0, end: 2 + entries },
      { start: 299 - entries, end: 300 },
    ]);
  });

  test("uses the backup and says so when any byte of the primary header is flipped", () => {
    const bytes = disk(512);
    const source = memorySource(bytes);
    forEachFlip(bytes, span(512, 512 + 92), (offset) => {
      const table = readGpt(source);
      expect(table?.partitions.length, `byte ${offset}`).toBe(2);
      expect(table?.warnings.join(), `byte ${offset}`).toMatch(/primary GPT is damaged/);
    });
  });

  test("uses the backup when any byte of the primary entries is flipped", () => {
    const bytes = disk(512);
    const source = memorySource(bytes);
    forEachFlip(bytes, span(1024, 1024 + 512), (offset) => {
      expect(readGptCopy(source, 1), `byte ${offset}`).toBeUndefined();
      expect(readGpt(source)?.partitions[0]?.start, `byte ${offset}`).toBe(64);
    });
  });

  test("warns when the backup is damaged", () => {
    const bytes = disk(512);
    bytes.fill(0, 299 * 512);
    expect(readGpt(memorySource(bytes))?.warnings).toEqual([
      "The backup GPT is damaged or missing.",
    ]);
  });

  test("warns when the disk grew behind the backup", () => {
    const larger = new Uint8Array(400 * 512);
    larger.set(disk(512));
    const table = readGpt(memorySource(larger));
    expect(table?.warnings.join()).toMatch(/sector 299, not in the last one \(399\)/);
  });

  test("gives nothing when both copies are damaged", () => {
    const bytes = disk(512);
    bytes.fill(0, 512, 1024);
    bytes.fill(0, 299 * 512);
    expect(readGpt(memorySource(bytes))).toBeUndefined();
  });
});
