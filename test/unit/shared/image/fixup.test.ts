/**
 * Goal: a GPT moved to another size is a valid GPT, and can be moved back. Method: tables made by
 * hand, compared with tables made for the new size; the moved table read by the GPT reader.
 */
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Range } from "../../../../shared/core/ranges.ts";
import { readGpt } from "../../../../shared/disk/gpt.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { gptFixup, moveGpt } from "../../../../shared/image/fixup.ts";
import { putGpt } from "../../../rig/disk-fixtures.ts";
import { gptDisk, MIB } from "../../../rig/image-fixtures.ts";

const entriesOf = (disk: Uint8Array, sectorBytes = 512): Uint8Array =>
  disk.subarray(2 * sectorBytes, 2 * sectorBytes + 128 * 128);

describe("moveGpt()", () => {
  test.each([
    [512, 2400],
    [512, 4000],
    [4096, 2400],
    [4096, 4000],
  ])("gives a GPT without warnings for %i-byte sectors and %i of them", (sectorBytes, count) => {
    const old = new Uint8Array(3000 * sectorBytes);
    const partitions = [{ start: 256, sectorCount: 1000 }];
    putGpt(old, sectorBytes, partitions);
    const size = { sizeBytes: count * sectorBytes, sectorBytes };
    const { head, backup } = moveGpt(
      old.subarray(0, 256 * sectorBytes),
      entriesOf(old, sectorBytes),
      size,
    );
    const target = new Uint8Array(count * sectorBytes);
    target.set(head);
    target.set(backup.bytes, backup.offset);
    const fresh = new Uint8Array(count * sectorBytes);
    putGpt(fresh, sectorBytes, partitions);
    expect(Buffer.compare(target, fresh)).toBe(0);
    expect(readGpt(memorySource(target, sectorBytes))?.warnings).toEqual([]);
  });

  test("leaves a hybrid MBR alone", () => {
    const old = new Uint8Array(3000 * 512);
    putGpt(old, 512, [{ start: 256, sectorCount: 1000 }]);
    old[446 + 16 + 4] = 0x83;
    old[446 + 16 + 8] = 1;
    old[446 + 16 + 12] = 1;
    const size = { sizeBytes: 4000 * 512, sectorBytes: 512 };
    const { head } = moveGpt(old.subarray(0, 256 * 512), entriesOf(old), size);
    expect(Buffer.compare(head.subarray(0, 512), old.subarray(0, 512))).toBe(0);
  });

  test("refuses when the primary GPT is damaged", () => {
    const size = { sizeBytes: 40_000 * 512, sectorBytes: 512 };
    for (const offset of [512 + 40, 1024 + 40]) {
      const head = gptDisk().subarray(0, MIB);
      head[offset] = (head[offset] ?? 0) ^ 1;
      expect(() => moveGpt(head, entriesOf(head), size)).toThrow(/primary GPT is damaged/);
    }
  });

  test("refuses a target whose backup GPT would stand on what the table names", () => {
    const head = gptDisk().subarray(0, MIB); // its last partition ends at 6 MiB
    const of = (sizeBytes: number) => ({ sizeBytes, sectorBytes: 512 });
    const fits = 6 * MIB + 33 * 512;
    expect(() => moveGpt(head, entriesOf(head), of(fits))).not.toThrow();
    expect(() => moveGpt(head, entriesOf(head), of(fits - 512))).toThrow(
      expect.objectContaining({ code: "gpt_not_movable" }),
    );
  });
});

describe("gptFixup()", () => {
  const size = { sizeBytes: 8 * MIB, sectorBytes: 512 };
  const saved = { ...size, partitionsEnd: 6 * MIB, gateChunksIn: () => [0] };
  const target = { sizeBytes: 12 * MIB, sectorBytes: 512 };
  const fixup = gptFixup(0, saved, target);

  test("unmakes what it makes", () => {
    const head = gptDisk().subarray(0, MIB);
    const [backup, moved] = fixup.make([{ offset: 0, bytes: head }], []);
    expect(moved?.offset).toBe(0);
    expect((backup?.offset ?? 0) + (backup?.bytes.byteLength ?? 0)).toBe(12 * MIB);
    expect(fixup.unmake(moved?.bytes ?? head)).toEqual(new Uint8Array(head));
    expect(moved?.bytes).not.toEqual(head);
  });

  test("leaves the other extents of its chunk as they are", () => {
    const other = { offset: 5 * MIB, bytes: new Uint8Array(512) };
    const head = { offset: 0, bytes: gptDisk().subarray(0, MIB) };
    expect(fixup.make([head, other], []).at(-1)).toBe(other);
  });

  test("takes the entries from the chunks that hold them", () => {
    const disk = gptDisk();
    const moved = new Uint8Array(disk);
    moved.copyWithin(3 * MIB, 1024, 1024 + 128 * 128);
    moved.fill(0, 1024, 1024 + 128 * 128);
    const header = Buffer.from(moved.buffer, 512, 512);
    header.writeBigUInt64LE(BigInt((3 * MIB) / 512), 72);
    header.writeUInt32LE(0, 16);
    header.writeUInt32LE(crc32(header.subarray(0, 92)), 16);
    const asked: Range[] = [];
    const gateChunksIn = (place: Range): number[] => {
      asked.push(place);
      return [0, 3];
    };
    const one = gptFixup(0, { ...saved, gateChunksIn }, target);
    const head = { offset: 0, bytes: moved.subarray(0, MIB) };
    expect(one.needs([head])).toEqual([3]);
    expect(asked).toEqual([{ start: 3 * MIB, end: 3 * MIB + 128 * 128 }]);
    const [backup] = one.make(
      [head],
      [{ offset: 3 * MIB, bytes: moved.subarray(3 * MIB, 4 * MIB) }],
    );
    expect(backup?.bytes.subarray(0, 128 * 128)).toEqual(disk.subarray(1024, 1024 + 128 * 128));
    expect(() => one.make([head], [])).toThrow(/the checksum of its entries is wrong/);
  });

  test("keeps off the partitions that the manifest names", () => {
    const one = gptFixup(0, { ...saved, partitionsEnd: 12 * MIB }, target);
    const head = { offset: 0, bytes: gptDisk().subarray(0, MIB) };
    expect(() => one.make([head], [])).toThrow(/partitions reach beyond byte/);
  });

  test("finds nothing to unmake where no GPT is", () => {
    expect(fixup.unmake(new Uint8Array(MIB))).toBeUndefined();
  });
});
