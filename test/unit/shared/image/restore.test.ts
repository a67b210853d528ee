/**
 * Goal: a restore gives back the disk, on a larger one with a valid GPT, and refuses before it
 * writes. Method: captures restored to disks in memory, saved again, ids compared; targets that
 * must be refused.
 */
import { describe, expect, test } from "vitest";
import { sameBytes, toHex } from "../../../../shared/core/digest.ts";
import { readPartitionTable } from "../../../../shared/disk/probe.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { inlinePool } from "../../../../shared/image/codec-pool.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { decodeGateRecord } from "../../../../shared/disk/gate-record.ts";
import { GatedDisk, plainBuffer } from "../../../../shared/image/gated-disk.ts";
import { placeImage, targetSize } from "../../../../shared/image/place-image.ts";
import { restoreImage, type RestoreOptions } from "../../../../shared/image/restore.ts";
import { MemoryDisk } from "../../../rig/memory-disk.ts";
import { gptDisk, MIB, saved, type Saved } from "../../../rig/image-fixtures.ts";

const OPTIONS: RestoreOptions = { orderId: "test", verify: "full" };

async function restore(
  image: Saved,
  disk: MemoryDisk,
  options: RestoreOptions = OPTIONS,
): Promise<Awaited<ReturnType<typeof restoreImage>>> {
  const codec = zlibCodec();
  return await restoreImage({ ...image, codec, pool: inlinePool(codec) }, disk, options);
}

function gatedDisk({ index }: Saved, disk: MemoryDisk): GatedDisk {
  const placement = placeImage(index, targetSize(disk));
  return new GatedDisk({ index, placement }, disk, zlibCodec(), plainBuffer());
}

describe("restoreImage()", () => {
  test.each([512, 4096])(
    "gives back the disk, and the next save the same id (%i)",
    async (sector) => {
      const image = await saved(gptDisk(sector), sector);
      const disk = new MemoryDisk(8 * MIB, sector);
      disk.bytes.fill(0x77); // a former tenant
      const result = await restore(image, disk);
      expect(result.resized).toBe(false);
      expect(result.writtenBytes).toBe(image.index.manifest.stats.rawBytes);
      const again = await saved(disk.bytes, sector);
      expect(toHex(again.index.imageId)).toBe(toHex(image.index.imageId));
    },
  );

  test.each([6 * MIB + 33 * 512, 12 * MIB])("moves the GPT to a disk of %i bytes", async (size) => {
    const image = await saved(gptDisk());
    const disk = new MemoryDisk(size);
    disk.bytes.fill(0x77);
    expect((await restore(image, disk)).resized).toBe(true);
    const table = readPartitionTable(memorySource(disk.bytes));
    expect(table.warnings).toEqual([]);
    expect(table.partitions).toHaveLength(2);
    const source = gptDisk();
    expect(
      sameBytes(disk.bytes.subarray(4 * MIB, 6 * MIB), source.subarray(4 * MIB, 6 * MIB)),
    ).toBe(true);
  });

  test("finds a larger disk unchanged, and its lost backup GPT different", async () => {
    const image = await saved(gptDisk());
    const disk = new MemoryDisk(12 * MIB);
    await restore(image, disk);
    const look = (): string => gatedDisk(image, disk).scan(true, () => undefined).found;
    expect(look()).toBe("unchanged");
    disk.bytes[12 * MIB - 512] = 0;
    expect(look()).toBe("delta");
  });

  test("finds a GPT that cannot be moved by its head chunk alone", async () => {
    const source = gptDisk();
    source.fill(0, 512, 1024); // the primary header; the backup is whole
    const image = await saved(source);
    const disk = new MemoryDisk(12 * MIB);
    const gated = gatedDisk(image, disk);
    const head = gated.chunkToCheck ?? -1;
    const { offset, length } = image.index.table.recordRange(head);
    expect(() => {
      gated.accept(head, image.bytes.subarray(offset, offset + length));
    }).toThrow(expect.objectContaining({ code: "gpt_not_movable" }));
    expect(disk.writes).toBe(0);
    const same = new MemoryDisk(8 * MIB);
    expect(gatedDisk(image, same).chunkToCheck).toBe(undefined);
  });

  test("refuses a disk that is too small or in use, and writes nothing", async () => {
    const image = await saved(gptDisk());
    const small = new MemoryDisk(image.index.manifest.requires.minBytes - 512);
    await expect(restore(image, small)).rejects.toThrow(/bytes wanted|\d+ wanted/);
    const busy = new MemoryDisk(8 * MIB, 512, ["sda1 mounted on /home"]);
    await expect(restore(image, busy)).rejects.toThrow(
      'Cannot write "memory": sda1 mounted on /home',
    );
    expect([small.writes, busy.writes]).toEqual([0, 0]);
  });

  test("refuses an image with a damaged chunk before it writes anything", async () => {
    for (const fromEnd of [0, 4]) {
      const image = await saved(gptDisk());
      const chunk = fromEnd === 0 ? 0 : image.index.table.count - fromEnd;
      const { offset, length } = image.index.table.recordRange(chunk);
      image.bytes[offset + length - 1] = (image.bytes[offset + length - 1] ?? 0) ^ 1;
      const disk = new MemoryDisk(8 * MIB);
      await expect(restore(image, disk)).rejects.toThrow(new RegExp(`chunk ${chunk}`));
      expect(disk.writes).toBe(0);
    }
  });

  test("leaves the gate closed when a chunk of the body is damaged after the check", async () => {
    const image = await saved(gptDisk());
    const chunk = image.index.table.count - 4;
    const { offset, length } = image.index.table.recordRange(chunk);
    const disk = new MemoryDisk(8 * MIB);
    disk.bytes.set(gptDisk());
    const progress = (phase: string, done: number, total: number): void => {
      if (phase !== "checking" || done < total) return;
      image.bytes[offset + length - 1] = (image.bytes[offset + length - 1] ?? 0) ^ 1;
    };
    await expect(restore(image, disk, { ...OPTIONS, progress })).rejects.toThrow(
      new RegExp(`chunk ${chunk}`),
    );
    const record = decodeGateRecord(disk.bytes.subarray(0, 512));
    expect(record?.orderId).toBe("test");
    expect(toHex(record?.imageId ?? new Uint8Array())).toBe(toHex(image.index.imageId));
    expect(readPartitionTable(memorySource(disk.bytes)).kind).toBe("none");
  });

  test("hears a signal while it reads back, and leaves the gate closed", async () => {
    const image = await saved(gptDisk());
    const disk = new MemoryDisk(8 * MIB);
    const controller = new AbortController();
    let steps = 0;
    const progress = async (phase: string): Promise<void> => {
      if (phase !== "reading back") return;
      steps += 1;
      // as a signal's handler does
      if (steps === 1) setImmediate(controller.abort.bind(controller));
      await new Promise((resolve) => setImmediate(resolve));
    };
    const restoring = restore(image, disk, { ...OPTIONS, signal: controller.signal, progress });
    await expect(restoring).rejects.toMatchObject({ code: "aborted" });
    expect(steps).toBe(1);
    expect(decodeGateRecord(disk.bytes.subarray(0, 512))?.orderId).toBe("test");
  });

  test("stops between chunks when told to and leaves the gate closed", async () => {
    const image = await saved(gptDisk());
    const disk = new MemoryDisk(8 * MIB);
    const controller = new AbortController();
    const progress = (phase: string): void => {
      if (phase === "writing") controller.abort();
    };
    const options = { ...OPTIONS, signal: controller.signal, progress };
    await expect(restore(image, disk, options)).rejects.toThrow(/it was stopped/);
    expect(decodeGateRecord(disk.bytes.subarray(0, 512))).toBeDefined();
  });

  test("writes nothing when told to stop while it checks", async () => {
    const image = await saved(gptDisk());
    const disk = new MemoryDisk(8 * MIB);
    const options = { ...OPTIONS, signal: AbortSignal.abort() };
    await expect(restore(image, disk, options)).rejects.toMatchObject({
      cure: expect.stringMatching(/^Nothing was written/) as string,
    });
    expect(disk.writes).toBe(0);
  });
});
