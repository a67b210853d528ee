/**
 * Goal: however many threads encode, the image is the same, memory is bounded, and every fault
 * comes through. Method: real threads over real captures; an image kept from the version before.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { planDisk } from "../../../../shared/allocation/plan.ts";
import { FormatError } from "../../../../shared/core/errors.ts";
import { sameBytes, toHex } from "../../../../shared/core/digest.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { captureImage, type CaptureOptions } from "../../../../shared/image/capture.ts";
import type { ChunkCodec } from "../../../../shared/image/chunk-codec.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { createChunkCodec } from "../../../../shared/image/codec.ts";
import { openCodecPool } from "../../../../shared/image/codec-pool.io.ts";
import { type CodecPool, inlinePool, laneAt } from "../../../../shared/image/codec-pool.ts";
import { decodeHeader } from "../../../../shared/image/header.ts";
import { openImage } from "../../../../shared/image/reader.ts";
import { restoreImage } from "../../../../shared/image/restore.ts";
import { gptDisk, imageBytes, MemorySink, savedBytes } from "../../../rig/image-fixtures.ts";
import { MemoryDisk } from "../../../rig/memory-disk.ts";

const VECTORS = join(import.meta.dirname, "../../../vectors/image");
const OPTIONS = { level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "t", host: "h" };

async function withPool<Result>(
  workers: number,
  work: (pool: CodecPool) => Promise<Result>,
): Promise<Result> {
  const pool = await openCodecPool("auto", workers);
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

async function capture(
  disk: Uint8Array,
  pool: CodecPool,
  options: CaptureOptions = OPTIONS,
): Promise<Uint8Array> {
  const source = memorySource(disk);
  const sink = new MemorySink();
  await captureImage(source, planDisk(source, { rawIfDirty: false }), { sink, pool }, options);
  return sink.bytes;
}

const native = (await createChunkCodec()).name === "zstd-napi";

describe("an image does not depend on the number of workers", () => {
  test.each([2, 4])("%i give the bytes of one, with either codec", async (workers) => {
    for (const choice of ["auto", "node:zlib"] as const) {
      const one = await savedBytes(gptDisk(), { pool: inlinePool(await createChunkCodec(choice)) });
      const pool = await openCodecPool(choice, workers);
      const many = await savedBytes(gptDisk(), { pool });
      await pool.close();
      expect(sameBytes(one, many), choice).toBe(true);
    }
  });

  test.skipIf(!native).each([1, 2, 4])(
    "%i give the image of the version before",
    async (workers) => {
      const old = new Uint8Array(readFileSync(join(VECTORS, "v1-gpt.huck")));
      const index = openImage(imageBytes(old));
      const disk = new MemoryDisk(index.manifest.disk.sizeBytes);
      const codec = zlibCodec();
      const image = { file: imageBytes(old), index, codec, pool: inlinePool(codec) };
      await restoreImage(image, disk, { orderId: "test", verify: "sample" });
      const { uuid, createdMs: nowMs } = decodeHeader(old.subarray(0, 4096));
      const { tool, host, level } = index.manifest.saved;
      const options = { uuid, nowMs, tool, host, level };
      const made = await withPool(workers, (pool) => capture(disk.bytes, pool, options));
      expect(toHex(openImage(imageBytes(made)).imageId)).toBe(toHex(index.imageId));
      // The manifest's warnings are sentences, which may be reworded.
      const { offset } = index.footer.manifest;
      expect(sameBytes(made.subarray(0, offset), old.subarray(0, offset))).toBe(true);
    },
  );
});

describe("captureImage() through a pool", () => {
  test("P5: reads ahead of a slow sink by its lanes, and never writes the source", async () => {
    const disk = gptDisk();
    const before = disk.slice();
    let read = 0;
    const plain = memorySource(disk);
    const counting = {
      ...plain,
      read(lba: number, into: Uint8Array) {
        read += into.byteLength;
        plain.read(lba, into);
      },
    };
    await withPool(2, async (pool) => {
      let written = 0;
      let ahead = 0;
      const plan = planDisk(plain, { rawIfDirty: false });
      const append = async (bytes: Uint8Array): Promise<void> => {
        await new Promise((resolve) => setImmediate(resolve));
        ahead = Math.max(ahead, read - written);
        written += bytes.byteLength;
      };
      const progress = (done: number): void => {
        written = done;
      };
      await captureImage(counting, plan, { sink: { append }, pool }, { ...OPTIONS, progress });
      expect(ahead).toBeGreaterThan(0);
      expect(ahead).toBeLessThanOrEqual(pool.lanes.length << 20);
    });
    expect(sameBytes(disk, before)).toBe(true);
  });

  test("stops when told to, and the pool can be closed at once", async () => {
    const controller = new AbortController();
    const progress = (): void => {
      controller.abort();
    };
    await withPool(2, async (pool) => {
      const options = { ...OPTIONS, signal: controller.signal, progress };
      await expect(capture(gptDisk(), pool, options)).rejects.toMatchObject({ code: "aborted" });
    });
  });

  test("passes a codec's error on and writes nothing behind it", async () => {
    const codec = zlibCodec();
    let left = 2;
    const failing: ChunkCodec = {
      ...codec,
      compress(raw, level) {
        left -= 1;
        if (left < 0) throw new Error("out of memory");
        return codec.compress(raw, level);
      },
    };
    const source = memorySource(gptDisk());
    const plan = planDisk(source, { rawIfDirty: false });
    const sink = new MemorySink();
    const out = { sink, pool: inlinePool(failing) };
    await expect(captureImage(source, plan, out, OPTIONS)).rejects.toThrow("out of memory");
    expect(() => openImage(imageBytes(sink.bytes))).toThrow(/^Cannot read image/);
  });
});

describe("restoreImage() through a pool", () => {
  async function restored(bytes: Uint8Array, workers: number): Promise<MemoryDisk> {
    const index = openImage(imageBytes(bytes));
    const disk = new MemoryDisk(index.manifest.disk.sizeBytes);
    await withPool(workers, async (pool) => {
      const image = { file: imageBytes(bytes), index, codec: zlibCodec(), pool };
      await restoreImage(image, disk, { orderId: "test", verify: "full" });
    });
    return disk;
  }

  test.each([1, 2, 4])("gives the disk back with %i workers", async (workers) => {
    const disk = await restored(await savedBytes(gptDisk()), workers);
    expect(sameBytes(disk.bytes, (await restored(await savedBytes(gptDisk()), 1)).bytes)).toBe(
      true,
    );
    const again = await savedBytes(disk.bytes);
    expect(sameBytes(again, await savedBytes(gptDisk()))).toBe(true);
  });

  test.each([1, 2])(
    "P1: names the damage that a thread finds, and writes nothing, with %i workers",
    async (workers) => {
      const bytes = await savedBytes(gptDisk());
      const index = openImage(imageBytes(bytes));
      const { offset } = index.table.recordRange(index.table.count - 1);
      bytes[offset + 100] = (bytes[offset + 100] ?? 0) ^ 1;
      const disk = new MemoryDisk(index.manifest.disk.sizeBytes);
      await withPool(workers, async (pool) => {
        const image = { file: imageBytes(bytes), index, codec: zlibCodec(), pool };
        const restoring = restoreImage(image, disk, { orderId: "test", verify: "full" });
        await expect(restoring).rejects.toThrow(FormatError);
        await expect(restoring).rejects.toMatchObject({ code: "bad_digest" });
      });
      expect(disk.writes).toBe(0);
    },
  );
});

describe("openCodecPool()", () => {
  test("gives back a worker's fault as that encoding's error, and goes on", async () => {
    await withPool(2, async (pool) => {
      await expect(pool.encode(99, 1000, 1)).rejects.toThrow(/no lane 99/);
      laneAt(pool.lanes, 0).raw.fill(0);
      expect((await pool.encode(0, 4096, 1)).storedBytes).toBeLessThan(100);
    });
  });

  test("fails what is under way, and all that comes, when it is closed", async () => {
    const pool = await openCodecPool("auto", 2);
    const encoding = pool.encode(0, 1 << 20, 19);
    const closing = pool.close();
    await expect(encoding).rejects.toThrow(/was closed/);
    await closing;
    await expect(pool.encode(0, 4096, 1)).rejects.toThrow(/was closed/);
    await pool.close();
  });

  test("uses no thread for one worker, and never more than its bound", async () => {
    await withPool(1, (pool) => {
      expect(pool.lanes).toHaveLength(2);
      return Promise.resolve();
    });
    await withPool(1000, (pool) => {
      expect(pool.lanes).toHaveLength(24);
      return Promise.resolve();
    });
  });
});
