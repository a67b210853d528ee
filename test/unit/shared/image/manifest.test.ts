/**
 * Goal: a manifest is read back as written, and nothing outside its limits is. Method: one example,
 * many faults.
 */
import { describe, expect, test } from "vitest";
import {
  clipText,
  decodeManifest,
  encodeManifest,
  type Manifest,
} from "../../../../shared/image/manifest.ts";

const EXAMPLE = {
  disk: { sizeBytes: 1 << 20, sectorBytes: 512, table: "mbr", id: "deadbeef" },
  partitions: [
    {
      number: 1,
      startBytes: 512,
      lengthBytes: 1024,
      type: "0x83",
      name: "",
      guid: "",
      mode: "raw",
      why: "no known file system was found in it",
      usedBytes: 1024,
    },
  ],
  requires: { minBytes: 1536, features: [] },
  stats: { chunks: 2, rawBytes: 1536, storedBytes: 100 },
  saved: {
    at: "2026-11-20T10:00:00.000Z",
    tool: "huck",
    host: "lab",
    codec: "zstd-napi",
    level: 3,
  },
  warnings: ["One."],
} as const;

/** The example with one member replaced, path by dots. */
function changed(path: string, value: unknown): Uint8Array {
  const json = JSON.parse(new TextDecoder().decode(encode())) as Record<string, unknown>;
  const names = path.split(".");
  const last = names.pop() ?? "";
  let place = json;
  for (const name of names) place = place[name] as Record<string, unknown>;
  place[last] = value;
  return new TextEncoder().encode(JSON.stringify(json));
}

function encode(): Uint8Array {
  return encodeManifest(structuredClone(EXAMPLE) as unknown as Manifest);
}

describe("decodeManifest()", () => {
  test("gives back what was encoded", () => {
    expect(decodeManifest(encode())).toMatchObject(EXAMPLE);
  });

  test("passes over members it does not know", () => {
    expect(decodeManifest(changed("later", { deep: [1] }))).toMatchObject(EXAMPLE);
  });

  test.each([
    ["format", "ndz"],
    ["major", 2],
    ["disk.sizeBytes", -512],
    ["disk.sizeBytes", 513],
    ["disk.sizeBytes", 2 ** 60],
    ["disk.sectorBytes", 520],
    ["disk.table", "apm"],
    ["partitions", Array.from({ length: 257 }, () => EXAMPLE.partitions[0])],
    ["partitions.0.mode", "some"],
    ["partitions.0.name", "x".repeat(256)],
    ["partitions.0.number", 65536],
    ["saved.at", "yesterday"],
    ["warnings", [5]],
  ])("refuses %s = %j", (path, value) => {
    expect(() => decodeManifest(changed(path, value))).toThrow(/^Cannot read manifest/);
  });

  test("refuses a feature it does not know by name", () => {
    const bytes = changed("requires.features", ["parity"]);
    expect(() => decodeManifest(bytes)).toThrow(/requires "parity"/);
  });

  test("refuses what is no JSON, no UTF-8, or too long", () => {
    expect(() => decodeManifest(new Uint8Array(3))).toThrow(/not JSON/);
    expect(() => decodeManifest(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/not JSON/);
    expect(() => decodeManifest(new Uint8Array((8 << 20) + 1))).toThrow(/8388609 bytes/);
  });
});

describe("clipText()", () => {
  test("leaves short texts alone and never cuts a character", () => {
    expect(clipText("kurz")).toBe("kurz");
    const cut = clipText("€".repeat(100));
    expect(new TextEncoder().encode(cut).length).toBeLessThanOrEqual(255);
    expect(cut).toBe("€".repeat(84));
  });
});
