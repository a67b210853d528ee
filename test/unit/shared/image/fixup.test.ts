/**
 * Goal: a GPT moved to another size is a valid GPT, and can be moved back. Method: tables made by
 * hand, compared with tables made for the new size; the moved table read by the GPT reader.
 */
import { describe, expect, test } from "vitest";
import { readGpt } from "../../../../shared/disk/gpt.ts";
import { memorySource } from "../../../../shared/disk/source.ts";
import { gptFixup, moveGpt } from "../../../../shared/image/fixup.ts";
import { putGpt } from "../../../rig/disk-fixtures.ts";
import { gptDisk, MIB } from "../../../rig/image-fixtures.ts";

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
    const { head, backup } = moveGpt(old.subarray(0, 256 * sectorBytes), sectorBytes, count);
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
    const { head } = moveGpt(old.subarray(0, 256 * 512), 512, 4000);
    expect(Buffer.compare(head.subarray(0, 512), old.subarray(0, 512))).toBe(0);
  });

  test("refuses when the primary GPT is damaged", () => {
    const head = gptDisk().subarray(0, MIB);
    head[512 + 40] = 0xff;
    expect(() => moveGpt(head, 512, 40_000)).toThrow(/primary GPT is damaged/);
  });
});

describe("gptFixup()", () => {
  const saved = { sizeBytes: 8 * MIB, sectorBytes: 512 };
  const target = { sizeBytes: 12 * MIB, sectorBytes: 512 };
  const fixup = gptFixup(0, saved, target);

  test("unmakes what it makes", () => {
    const head = gptDisk().subarray(0, MIB);
    const [backup, moved] = fixup.make([{ offset: 0, bytes: head }]);
    expect(moved?.offset).toBe(0);
    expect((backup?.offset ?? 0) + (backup?.bytes.byteLength ?? 0)).toBe(12 * MIB);
    expect(fixup.unmake(moved?.bytes ?? head)).toEqual(new Uint8Array(head));
    expect(moved?.bytes).not.toEqual(head);
  });

  test("leaves the other extents of its chunk as they are", () => {
    const other = { offset: 5 * MIB, bytes: new Uint8Array(512) };
    const head = { offset: 0, bytes: gptDisk().subarray(0, MIB) };
    expect(fixup.make([head, other]).at(-1)).toBe(other);
  });

  test("finds nothing to unmake where no GPT is", () => {
    expect(fixup.unmake(new Uint8Array(MIB))).toBeUndefined();
  });
});
