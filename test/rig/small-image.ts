/** A real image of three chunks, in a store or in memory. */
import path from "node:path";
import { openFolderStore } from "../../server/store/folder-store.io.ts";
import type { ChunkCodec } from "../../shared/image/chunk-codec.ts";
import { inlinePool, laneAt } from "../../shared/image/codec-pool.ts";
import { zlibCodec } from "../../shared/image/codec-zlib.ts";
import { ChunkFlag } from "../../shared/image/limits.ts";
import { ImageWriter } from "../../shared/image/writer.ts";
import type { ByteSink } from "../../shared/image/writer.ts";
import { nextId } from "./seeded-bytes.ts";

/** A codec that never makes anything smaller: same content and same id, but another file. */
export const STORED_RAW: ChunkCodec = {
  ...zlibCodec(),
  compress: (raw) => new Uint8Array(raw.byteLength + 1),
};

/** Writes an image of three chunks. */
async function writeImage(sink: ByteSink, codec: ChunkCodec, seed = 1): Promise<string> {
  const pool = inlinePool(codec);
  const writer = new ImageWriter(sink, { uuid: nextId(), createdMs: 0 });
  await writer.begin();
  for (let slot = 0; slot < 3; slot += 1) {
    const raw = Buffer.alloc(64 << 10, `${seed}-${slot}-`);
    const start = slot * 2048;
    const extents = [{ start, end: start + raw.byteLength / 512 }];
    const flags = slot === 0 ? ChunkFlag.bootGate : 0;
    const plan = { partition: 0, flags, slotLog2: 20, extents, rawBytes: raw.byteLength };
    const lane = laneAt(pool.lanes, 0);
    lane.raw.set(raw);
    await writer.addChunk(plan, await pool.encode(0, raw.byteLength, 1), lane.record);
  }
  const sizeBytes = 3 << 20;
  const { imageId } = await writer.finish({
    disk: { sizeBytes, sectorBytes: 512, table: "none", id: "" },
    partitions: [],
    requires: { minBytes: sizeBytes, features: [] },
    saved: {
      at: "2026-01-01T00:00:00.000Z",
      tool: "test",
      host: "test",
      codec: "node:zlib",
      level: 1,
    },
    warnings: [],
  });
  return Buffer.from(imageId).toString("hex");
}

/** Puts an image into the store of a server's folder. */
export async function storeImage(
  folder: string,
  name: string,
  pool: ChunkCodec = zlibCodec(),
): Promise<string> {
  const draft = await openFolderStore(path.join(folder, "images")).draft(name);
  const id = await writeImage(draft, pool);
  await draft.commit();
  return id;
}

/** An image file in memory. */
export async function imageBytes(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await writeImage(
    {
      append: (bytes) => {
        pieces.push(Buffer.from(bytes));
        return Promise.resolve();
      },
    },
    zlibCodec(),
  );
  return Buffer.concat(pieces);
}
