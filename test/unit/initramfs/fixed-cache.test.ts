/**
 * Goal: the kept large part is used when nothing changed, and never when something did.
 * Method: the made-up tree of build-fixture.ts; the mirror's log tells whether anything was made.
 */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { fixedPart, packArchive } from "../../../initramfs/fixed-cache.ts";
import type { FixedRequest } from "../../../initramfs/fixed-cache.ts";
import { parseLock } from "../../../initramfs/lock.ts";
import type { BuildFixture } from "./build-fixture.ts";
import { makeBuildFixture } from "./build-fixture.ts";

let fixture: BuildFixture;
beforeEach(async () => {
  fixture = await makeBuildFixture();
});

function request(change: Partial<FixedRequest> = {}): FixedRequest {
  const { root, cache, mirror } = fixture;
  const lock = parseLock(readFileSync(join(root, "initramfs/inputs.lock"), "utf8"));
  return { root, cache, lock, level: 3, mirror: mirror.base, ...change };
}

function keptCount(): number {
  return readdirSync(join(fixture.cache, "fixed")).length;
}

test("fixedPart() makes once and then answers from the cache", async () => {
  const made = await fixedPart(request());
  await fixture.mirror.close();
  expect(await fixedPart(request())).toEqual(made);
  expect(keptCount()).toBe(1);
});

test("fixedPart() makes anew when level, module list or a source changed", async () => {
  await fixedPart(request());
  await fixedPart(request({ level: 4 }));
  expect(keptCount()).toBe(2);
  writeFileSync(join(fixture.root, "initramfs/modules.txt"), "dca\n");
  expect((await fixedPart(request())).modules).toEqual(["dca"]);
  writeFileSync(join(fixture.root, "initramfs/fixed.ts"), "// changed");
  await fixedPart(request());
  expect(keptCount()).toBe(4);
});

test("fixedPart() keeps one part when two builds make it at the same time", async () => {
  const [one, two] = await Promise.all([fixedPart(request()), fixedPart(request())]);
  expect(two).toEqual(one);
  expect(keptCount()).toBe(1);
});

test("packArchive() writes one zstd frame whose checksum is on, equal every time", () => {
  const entries = [{ kind: "file", path: "x", bytes: Buffer.alloc(100_000, "huck") }] as const;
  const packed = packArchive(entries, 5);
  expect(Buffer.from(packArchive(entries, 5))).toEqual(Buffer.from(packed));
  // RFC 8878 section 3.1.1.1: magic, then the frame header descriptor with its checksum bit 2.
  expect([...packed.subarray(0, 4)]).toEqual([0x28, 0xb5, 0x2f, 0xfd]);
  expect((packed[4] ?? 0) & 4).toBe(4);
  expect(zstdDecompressSync(packed).subarray(0, 6).toString()).toBe("070701");
  const spoiled = Buffer.from(packed);
  spoiled.writeUInt8(spoiled.readUInt8(spoiled.length - 1) ^ 1, spoiled.length - 1);
  expect(() => zstdDecompressSync(spoiled)).toThrow();
});
