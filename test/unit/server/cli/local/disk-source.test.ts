/**
 * Goal: sources are read, never written, and their shape is found. Method: files of both sector
 * sizes.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readBytes } from "../../../../../shared/disk/source.ts";
import { openSource, targetKind } from "../../../../../server/cli/local/disk-source.io.ts";
import { gptDisk } from "../../../../rig/image-fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "huck-device-"));
const path = (name: string): string => join(folder, name);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("openSource()", () => {
  test.each([512, 4096])("finds %i-byte sectors from the GPT of a file and reads them", (size) => {
    const disk = gptDisk(size);
    writeFileSync(path(`disk-${size}`), disk);
    const source = openSource(path(`disk-${size}`));
    expect([source.sectorBytes, source.sectorCount]).toEqual([size, disk.byteLength / size]);
    expect(source.writers).toEqual([]);
    const found = readBytes(source, 4_000_000, 10_000);
    expect(Buffer.compare(found, disk.subarray(4_000_000, 4_010_000))).toBe(0);
    source.close();
    source.close();
    expect(Buffer.compare(readFileSync(path(`disk-${size}`)), disk)).toBe(0);
  });

  test.each([
    [1300, 512, /276 bytes more than whole sectors of 512: kept, with 236 zeros behind/],
    [5 * 4096 + 1, 4096, /1 byte more than whole sectors of 4096: kept, with 4095 zeros/],
  ] as const)("fills up the last sector of %i bytes with zeros", (length, size, said) => {
    writeFileSync(path("odd"), new Uint8Array(length).fill(0x5a));
    const source = openSource(path("odd"), size);
    expect(source.sectorCount).toBe(Math.ceil(length / size));
    const last = new Uint8Array(2 * size);
    source.read(source.sectorCount - 2, last);
    const rest = length % size;
    expect(last.findIndex((byte) => byte === 0)).toBe(size + rest);
    expect(last.lastIndexOf(0x5a)).toBe(size + rest - 1);
    expect(source.warnings.join()).toMatch(said);
    source.close();
  });

  test("takes the sector size that the operator says", () => {
    writeFileSync(path("said"), new Uint8Array(65536));
    const source = openSource(path("said"), 4096);
    expect([source.sectorBytes, source.sectorCount, source.warnings]).toEqual([4096, 16, []]);
    source.close();
  });

  test("says so when a file shrinks while it is read", () => {
    writeFileSync(path("shrinks"), new Uint8Array(4096));
    const source = openSource(path("shrinks"));
    writeFileSync(path("shrinks"), "");
    expect(() => {
      source.read(0, new Uint8Array(512));
    }).toThrow(/or it shrank/);
    source.close();
  });

  test("refuses what is not there and what is no disk", () => {
    expect(() => openSource(path("nowhere"))).toThrow(/there is no such file/);
    expect(() => openSource(folder)).toThrow(/as a disk/);
  });
});

describe("targets", () => {
  test("targetKind() tells file, folder and nothing apart", () => {
    writeFileSync(path("file"), "");
    expect(targetKind(path("file"))).toBe("file");
    expect(targetKind(path("none"))).toBe("nothing");
    expect(() => targetKind(folder)).toThrow(/as a disk/);
  });
});
