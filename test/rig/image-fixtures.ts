/** Images and disks in memory for tests: real captures through the real codec, without files. */
import { planDisk } from "../../shared/allocation/plan.ts";
import { memorySource } from "./memory-source.ts";
import { captureImage } from "../../shared/image/capture.ts";
import { zlibCodec } from "../../shared/image/codec-zlib.ts";
import { type CodecPool, inlinePool } from "../../shared/image/codec-pool.ts";
import { type ImageBytes, type ImageIndex, openImage } from "../../shared/image/reader.ts";
import type { ByteSink } from "../../shared/image/writer.ts";
import { diskOf, putGpt, readVector } from "./disk-fixtures.ts";

/** Unit: bytes. */
export const MIB = 1 << 20;

/** A sink that keeps what is written to it. */
export class MemorySink implements ByteSink {
  readonly #pieces: Uint8Array[] = [];

  append(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(new Uint8Array(bytes));
    return Promise.resolve();
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#pieces));
  }
}

/** The bytes of an image in memory; a read past the end fails as it does in a file. */
export function imageBytes(bytes: Uint8Array): ImageBytes {
  return {
    fileBytes: bytes.byteLength,
    read(offset, into) {
      if (offset + into.byteLength > bytes.byteLength) throw new Error("read behind the end");
      into.set(bytes.subarray(offset, offset + into.byteLength));
    },
  };
}

/**
 * A disk of 8 MiB: GPT, ext4 in 1 .. 3 MiB, bytes without pattern in 4 .. 6 MiB, free space behind.
 */
export function gptDisk(sectorBytes = 512): Uint8Array {
  const disk = new Uint8Array(8 * MIB);
  disk.set(diskOf(readVector("filesystem/ext4.json")), MIB);
  let state = 1;
  for (let at = 4 * MIB; at < 6 * MIB; at += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    disk[at] = state >>> 24;
  }
  const unit = MIB / sectorBytes;
  putGpt(disk, sectorBytes, [
    { start: unit, sectorCount: 2 * unit },
    { start: 4 * unit, sectorCount: 2 * unit },
  ]);
  return disk;
}

/** Captures a disk; `tool` and time have no influence on the image id. */
export async function savedBytes(
  disk: Uint8Array,
  options: {
    readonly sectorBytes?: number;
    readonly pool?: CodecPool;
    readonly nowMs?: number;
    readonly level?: number;
  } = {},
): Promise<Uint8Array> {
  const source = memorySource(disk, options.sectorBytes ?? 512);
  const sink = new MemorySink();
  const plan = planDisk(source, { rawIfDirty: false });
  const pool = options.pool ?? inlinePool(zlibCodec());
  await captureImage(
    source,
    plan,
    { sink, pool },
    {
      level: options.level ?? 1,
      uuid: new Uint8Array(16).fill(7),
      nowMs: options.nowMs ?? 0,
      tool: "huck test",
      host: "here",
    },
  );
  return sink.bytes;
}

/** An opened image. */
export interface Saved {
  readonly bytes: Uint8Array;
  readonly file: ImageBytes;
  readonly index: ImageIndex;
}

/** Captures a disk and opens the image. */
export async function saved(disk: Uint8Array, sectorBytes = 512): Promise<Saved> {
  const bytes = await savedBytes(disk, { sectorBytes });
  const file = imageBytes(bytes);
  return { bytes, file, index: openImage(file) };
}
