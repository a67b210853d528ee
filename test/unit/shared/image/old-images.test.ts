/**
 * Goal: promise P10; an image made by an earlier version restores with this one. Method: images
 * kept in test/vectors/image, restored to disks in memory; its README tells how they were made.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blake3, toHex } from "../../../../shared/core/digest.ts";
import { readPartitionTable } from "../../../../shared/disk/probe.ts";
import { inlinePool } from "../../../../shared/image/codec-pool.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { openImage } from "../../../../shared/image/reader.ts";
import { restoreImage } from "../../../../shared/image/restore.ts";
import { imageBytes, MIB, savedBytes } from "../../../rig/image-fixtures.ts";
import { MemoryDisk } from "../../../rig/memory-disk.ts";

const VECTORS = join(import.meta.dirname, "../../../vectors/image");
const ID = "02785a130a17772643ce02c6f18684702ac06ef170c7aba28394ddbaf675175c";
const DISK = "60f9d659481340538a05a6e6e8a6f090367f290f5b39f8555058605610caaeb7";

const file = imageBytes(new Uint8Array(readFileSync(join(VECTORS, "v1-gpt.huck"))));
const codec = zlibCodec();
const image = { file, index: openImage(file), codec, pool: inlinePool(codec) };

async function restored(sizeBytes: number): Promise<MemoryDisk> {
  const disk = new MemoryDisk(sizeBytes);
  await restoreImage(image, disk, { orderId: "test", verify: "full" });
  return disk;
}

test("P10: an image of format 1.0 has its id, restores its disk, and saves as itself", async () => {
  expect(toHex(image.index.imageId)).toBe(ID);
  const { bytes } = await restored(24 * MIB);
  expect(toHex(blake3(bytes))).toBe(DISK);
  expect(toHex(openImage(imageBytes(await savedBytes(bytes))).imageId)).toBe(ID);
});

test("P10: an image of format 1.0 goes to a larger and to a smaller disk", async () => {
  for (const size of [48 * MIB, image.index.manifest.requires.minBytes]) {
    const { bytes, sectorBytes, sectorCount } = await restored(size);
    const read = (lba: number, into: Uint8Array): void => {
      into.set(bytes.subarray(lba * sectorBytes, lba * sectorBytes + into.byteLength));
    };
    const table = readPartitionTable({ sectorBytes, sectorCount, read });
    expect([table.warnings, table.partitions.length]).toEqual([[], 2]);
  }
});
