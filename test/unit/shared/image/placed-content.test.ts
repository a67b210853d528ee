/**
 * Goal: what stands on a disk is told apart from what does not, at any place. Method: one partition
 * of a captured image, put by hand where a placement says.
 */
import { expect, test } from "vitest";
import { ChunkDecoder, readRecord } from "../../../../shared/image/chunk-decoder.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { encodeGateRecord } from "../../../../shared/disk/gate-record.ts";
import { plainBuffer } from "../../../../shared/image/gated-disk.ts";
import { placeImage, targetSize } from "../../../../shared/image/place-image.ts";
import { PlacedContent, readable } from "../../../../shared/image/placed-content.ts";
import { placedWrites } from "../../../../shared/image/placement.ts";
import { gptDisk, MIB, saved } from "../../../rig/image-fixtures.ts";
import { MemoryDisk } from "../../../rig/memory-disk.ts";

const { index, file } = await saved(gptDisk());
const at = { start: 20 * MIB, end: 23 * MIB };

function partitionOnDisk(): { readonly disk: MemoryDisk; readonly content: PlacedContent } {
  const disk = new MemoryDisk(64 * MIB);
  const wish = { kind: "partition", number: 1, at } as const;
  const placement = placeImage(index, targetSize(disk), wish);
  const decoder = new ChunkDecoder(zlibCodec());
  for (const { start, end } of placement.chunks) {
    for (let chunk = start; chunk < end; chunk += 1) {
      const raw = decoder.decode(index.table, chunk, readRecord(file, index.table, chunk));
      for (const write of placedWrites(placement, index.table, chunk, raw)) {
        disk.bytes.set(write.bytes, write.offset);
      }
    }
  }
  return { disk, content: new PlacedContent({ index, placement }, disk, plainBuffer()) };
}

test("PlacedContent finds a partition's chunks at another place, and what differs", () => {
  const { disk, content } = partitionOnDisk();
  const chunk = index.table.chunksNear({ start: MIB / 512, end: MIB / 512 + 1 }).end - 1;
  expect(index.table.entry(chunk).partition).toBe(1);
  expect([content.matches(chunk), content.remains()]).toEqual([true, []]);
  disk.bytes[at.start + 1024 + 56] = 0; // in the superblock
  expect([content.matches(chunk), content.chunk(chunk)]).toEqual([false, undefined]);
});

test("PlacedContent.remains() names the blank with a byte in it, however long it is", () => {
  const { disk, content } = partitionOnDisk();
  disk.bytes[at.end - 1] = 1;
  const [run] = content.remains();
  expect(run?.end).toBe(at.end);
  expect(content.isBlank({ start: 30 * MIB, end: 33 * MIB })).toBe(true);
  disk.bytes[33 * MIB - 1] = 1;
  expect(content.isBlank({ start: 30 * MIB, end: 33 * MIB })).toBe(false);
});

test("PlacedContent.waitsForImage() knows the gate record of this image alone", () => {
  const { disk, content } = partitionOnDisk();
  expect(content.waitsForImage()).toBe(false);
  disk.bytes.set(encodeGateRecord({ orderId: "o", imageId: new Uint8Array(32) }), at.start);
  expect(content.waitsForImage()).toBe(false);
  disk.bytes.set(encodeGateRecord({ orderId: "o", imageId: index.imageId }), at.start);
  expect(content.waitsForImage()).toBe(true);
});

test("readable() takes a bad sector for a difference and nothing else", () => {
  const fail = (code: string) => (): boolean => {
    throw Object.assign(new Error("failed"), { code });
  };
  expect(readable(fail("EIO"))).toBe(false);
  expect(() => readable(fail("ENODEV"))).toThrow("failed");
});
