/**
 * A folder of many images with long tables, made quickly: one image is written, the others are
 * copies of it under a UUID of their own, so each is another file of the real format.
 */
import { closeSync, copyFileSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { inlinePool, laneAt } from "../../shared/image/codec-pool.ts";
import { zlibCodec } from "../../shared/image/codec-zlib.ts";
import {
  decodeFooter,
  decodeHeader,
  encodeFooter,
  encodeHeader,
} from "../../shared/image/header.ts";
import { BLOCK_BYTES, ChunkFlag } from "../../shared/image/limits.ts";
import { ImageWriter } from "../../shared/image/writer.ts";
import { imagePathIn } from "../../server/store/image-file-name.ts";
import { nextId } from "./seeded-bytes.ts";

/** Makes images "many-000" and so on, each of `chunks` chunks of one sector. */
export async function makeImages(folder: string, count: number, chunks: number): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const names = Array.from({ length: count }, (_, at) => `many-${String(at).padStart(3, "0")}`);
  const [first = "", ...others] = names;
  const fileBytes = await writeLongImage(imagePathIn(folder, first), chunks);
  for (const name of others) {
    const target = imagePathIn(folder, name);
    copyFileSync(imagePathIn(folder, first), target);
    giveUuid(target, fileBytes);
  }
  return names;
}

/**
 * Writes one image; returns its length in bytes. `at` is what its manifest says of its time; each
 * chunk has `extents` extents of one sector, 12 bytes of table each.
 */
export async function writeLongImage(
  target: string,
  chunks: number,
  { at = "2026-01-01T00:00:00.000Z", extents: extentCount = 1 } = {},
): Promise<number> {
  const fd = openSync(target, "w");
  const append = (bytes: Uint8Array): Promise<void> => {
    writeSync(fd, bytes);
    return Promise.resolve();
  };
  const header = { uuid: nextId(), createdMs: 0 };
  const pool = inlinePool(zlibCodec());
  const lane = laneAt(pool.lanes, 0);
  const writer = new ImageWriter({ append }, header);
  await writer.begin();
  const rawBytes = 512 * extentCount;
  lane.raw.fill(0, 0, rawBytes);
  for (let slot = 0; slot < chunks; slot += 1) {
    const extents = Array.from({ length: extentCount }, (_, index) => {
      const start = slot * SLOT_UNITS + index * 2;
      return { start, end: start + 1 };
    });
    const flags = slot === 0 ? ChunkFlag.bootGate : 0;
    const plan = { partition: 0, flags, slotLog2: 22, extents, rawBytes };
    await writer.addChunk(plan, await pool.encode(0, rawBytes, 1), lane.record);
  }
  const sizeBytes = chunks * SLOT_UNITS * 512;
  const { fileBytes } = await writer.finish({
    disk: { sizeBytes, sectorBytes: 512, table: "none", id: "" },
    partitions: [],
    requires: { minBytes: sizeBytes, features: [] },
    saved: { at, tool: "test", host: "test", codec: "node:zlib", level: 1 },
    warnings: [],
  });
  closeSync(fd);
  return fileBytes;
}

/** A slot of 4 MiB holds 2048 extents with a gap behind each. Unit: 512 bytes. */
const SLOT_UNITS = 8192;

function giveUuid(target: string, fileBytes: number): void {
  const uuid = nextId();
  const fd = openSync(target, "r+");
  const block = new Uint8Array(BLOCK_BYTES);
  const end = fileBytes - BLOCK_BYTES;
  readSync(fd, block, 0, BLOCK_BYTES, 0);
  writeSync(fd, encodeHeader({ ...decodeHeader(block), uuid }), 0, BLOCK_BYTES, 0);
  readSync(fd, block, 0, BLOCK_BYTES, end);
  writeSync(fd, encodeFooter({ ...decodeFooter(block, fileBytes), uuid }), 0, BLOCK_BYTES, end);
  closeSync(fd);
}
