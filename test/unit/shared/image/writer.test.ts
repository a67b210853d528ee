/**
 * Goal: the writer appends only, keeps bytes untouched until they are taken, and shows a sink's
 * error. Method: sinks that are slow, that watch their bytes, and that fail.
 */
import { describe, expect, test } from "vitest";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { type EncodedChunk, inlinePool, laneAt } from "../../../../shared/image/codec-pool.ts";
import { openImage } from "../../../../shared/image/reader.ts";
import { type ByteSink, ImageWriter, type ManifestInput } from "../../../../shared/image/writer.ts";
import { imageBytes, MIB } from "../../../rig/image-fixtures.ts";

const HEADER = { uuid: new Uint8Array(16).fill(1), createdMs: 5 };
const MANIFEST: ManifestInput = {
  disk: { sizeBytes: 64 * MIB, sectorBytes: 512, table: "none", id: "" },
  partitions: [],
  requires: { minBytes: 64 * MIB, features: [] },
  saved: { at: "2026-11-20T10:00:00.000Z", tool: "t", host: "h", codec: "c", level: 1 },
  warnings: [],
};

function chunkAt(slot: number): Parameters<ImageWriter["addChunk"]>[0] {
  const extents = [{ start: slot * 2048, end: slot * 2048 + 100 }];
  return { partition: 0, flags: 0, slotLog2: 20, extents, rawBytes: 51_200 };
}

const pool = inlinePool(zlibCodec());

/** A chunk of one byte over and over, encoded in the one lane that is used here. */
async function encodedOf(
  fill: number,
): Promise<{ readonly encoded: EncodedChunk; readonly record: Uint8Array }> {
  const { raw, record } = laneAt(pool.lanes, 0);
  raw.fill(fill, 0, 51_200);
  return { encoded: await pool.encode(0, 51_200, 1), record };
}

/** Takes its bytes late, as a slow disk does. */
class SlowSink implements ByteSink {
  readonly pieces: Uint8Array[] = [];

  async append(bytes: Uint8Array): Promise<void> {
    const before = new Uint8Array(bytes);
    await new Promise((resolve) => setImmediate(resolve));
    expect(Buffer.compare(before, bytes)).toBe(0);
    this.pieces.push(before);
  }
}

describe("ImageWriter", () => {
  test("leaves bytes alone until the sink has taken them, and the image opens", async () => {
    const sink = new SlowSink();
    const writer = new ImageWriter(sink, HEADER);
    await writer.begin();
    for (let slot = 0; slot < 20; slot += 1) {
      const { encoded, record } = await encodedOf(slot);
      await writer.addChunk(chunkAt(slot), encoded, record);
    }
    const written = await writer.finish(MANIFEST);
    const bytes = new Uint8Array(Buffer.concat(sink.pieces));
    expect(bytes.byteLength).toBe(written.fileBytes);
    expect(writer.fileBytes).toBe(written.fileBytes);
    const { table, imageId } = openImage(imageBytes(bytes));
    expect(table.count).toBe(20);
    expect(Buffer.compare(imageId, written.imageId)).toBe(0);
  });

  test("shows a sink's error at the next call, and settle() waits quietly", async () => {
    const writer = new ImageWriter({ append: () => Promise.reject(new Error("ENOSPC")) }, HEADER);
    await writer.begin();
    const { encoded, record } = await encodedOf(0);
    await expect(writer.addChunk(chunkAt(0), encoded, record)).rejects.toThrow("ENOSPC");
    await expect(writer.settle()).resolves.toBeUndefined();
  });
});
