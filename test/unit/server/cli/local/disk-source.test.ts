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

  test("leaves out a last sector that is not whole", () => {
    writeFileSync(path("odd"), new Uint8Array(1300));
    const source = openSource(path("odd"));
    expect(source.sectorCount).toBe(2);
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
