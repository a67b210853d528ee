/**
 * Goal: what was captured is what comes back; equal content has an equal id; no damaged byte of a
 * file goes unnoticed. Method: whole images in memory; every byte of a small one flipped, every
 * prefix of it opened.
 */
import { describe, expect, test } from "vitest";
import { sameBytes, toHex } from "../../../../shared/core/digest.ts";
import { planDisk, usedSectors } from "../../../../shared/allocation/plan.ts";
import { memorySource } from "../../../rig/memory-source.ts";
import { captureImage } from "../../../../shared/image/capture.ts";
import { ChunkDecoder, openRecord, writesOf } from "../../../../shared/image/chunk-decoder.ts";
import { createChunkCodec } from "../../../../shared/image/codec.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { inlinePool } from "../../../../shared/image/codec-pool.ts";
import { openImage, openImageTail } from "../../../../shared/image/reader.ts";
import { checkImage, diskBytesOf } from "../../../../shared/image/verify.ts";
import {
  encodeRecordHeader,
  paddingAfter,
  recordHeaderOf,
} from "../../../../shared/image/record.ts";
import { decodeFooter, encodeFooter } from "../../../../shared/image/header.ts";
import { span } from "../../../rig/disk-fixtures.ts";
import {
  gptDisk,
  imageBytes,
  MemorySink,
  MIB,
  saved,
  savedBytes,
} from "../../../rig/image-fixtures.ts";

const nothing = (): void => undefined;
const codec = zlibCodec();
const pool = inlinePool(codec);

/** A disk without a table and little on it: its image is small enough to be flipped all over. */
function tinyDisk(): Uint8Array {
  const disk = new Uint8Array(160 * 1024);
  for (let at = 0; at < disk.length; at += 61) disk[at] = (at * at) >> 9;
  return disk;
}

describe("captureImage()", () => {
  test("keeps exactly the planned sectors, byte for byte", async () => {
    const disk = gptDisk();
    const { index, file } = await saved(disk);
    const restored = new Uint8Array(disk.byteLength);
    const decoder = new ChunkDecoder(codec);
    for (let chunk = 0; chunk < index.table.count; chunk += 1) {
      const { offset, length } = index.table.recordRange(chunk);
      const record = new Uint8Array(length);
      file.read(offset, record);
      const raw = decoder.decode(index.table, chunk, record);
      for (const write of writesOf(index.table, chunk, raw))
        restored.set(write.bytes, write.offset);
    }
    const plan = planDisk(memorySource(disk), { rawIfDirty: false });
    const kept = new Uint8Array(disk.byteLength);
    for (const { start, end } of usedSectors(plan)) {
      kept.set(disk.subarray(start * 512, end * 512), start * 512);
    }
    expect(sameBytes(restored, kept)).toBe(true);
  });

  test("gives the same id whatever codec, level, time or program", async () => {
    const disk = gptDisk();
    const napi = inlinePool(await createChunkCodec("auto"));
    const images = [
      await savedBytes(disk),
      await savedBytes(disk, { level: 9, nowMs: 1_000_000 }),
      await savedBytes(disk, { pool: napi }),
    ];
    const ids = images.map((bytes) => toHex(openImage(imageBytes(bytes)).imageId));
    expect(new Set(ids).size).toBe(1);
    expect(sameBytes(images[0] ?? disk, images[1] ?? disk)).toBe(false);
  });

  test("gives another id when one used byte differs, the same when a free one does", async () => {
    const one = await saved(gptDisk());
    const changed = gptDisk();
    changed[5 * MIB] = (changed[5 * MIB] ?? 0) ^ 1;
    const free = gptDisk();
    free[6 * MIB + 4096] = 1; // behind the last partition, not in the last MiB
    expect(toHex((await saved(changed)).index.imageId)).not.toBe(toHex(one.index.imageId));
    expect(toHex((await saved(free)).index.imageId)).toBe(toHex(one.index.imageId));
  });

  test("lists as many warnings as a manifest holds, and counts the others", async () => {
    const source = memorySource(tinyDisk());
    const plan = planDisk(source, { rawIfDirty: false });
    const warnings = Array.from({ length: 300 }, (_, index) => `Warning ${index}.`);
    const sink = new MemorySink();
    const made = { level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "huck", host: "here" };
    await captureImage(source, { ...plan, warnings }, { sink, pool }, made);
    const listed = openImage(imageBytes(sink.bytes)).manifest.warnings;
    expect(listed).toHaveLength(256);
    expect(listed.slice(-2)).toEqual(["Warning 254.", "There were 45 warnings more."]);
  });

  test("works on disks with sectors of 4096 bytes", async () => {
    const { index } = await saved(gptDisk(4096), 4096);
    expect(index.manifest.disk.sectorBytes).toBe(4096);
    for (let chunk = 0; chunk < index.table.count; chunk += 1) {
      for (const { start, end } of index.table.extents(chunk)) {
        expect([start % 8, end % 8]).toEqual([0, 0]);
      }
    }
  });

  test("stores what does not compress as it is", async () => {
    const { index } = await saved(gptDisk());
    const codecs = Array.from(
      { length: index.table.count },
      (_, at) => index.table.entry(at).codec,
    );
    expect(new Set(codecs)).toEqual(new Set([0, 1]));
  });

  test("stops between chunks when told to, and passes errors of the sink on", async () => {
    const source = memorySource(gptDisk());
    const plan = planDisk(source, { rawIfDirty: false });
    const options = { level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "t", host: "h" };
    const controller = new AbortController();
    const sink = new MemorySink();
    const stopped = captureImage(
      source,
      plan,
      { sink, pool },
      {
        ...options,
        signal: controller.signal,
        progress: () => {
          controller.abort();
        },
      },
    );
    await expect(stopped).rejects.toThrow(/it was stopped/);
    expect(() => openImage(imageBytes(sink.bytes))).toThrow(/^Cannot read image/);
    const full = { append: () => Promise.reject(new Error("ENOSPC")) };
    await expect(captureImage(source, plan, { sink: full, pool }, options)).rejects.toThrow(
      "ENOSPC",
    );
  });

  test("tells progress up to the whole", async () => {
    const source = memorySource(gptDisk());
    const plan = planDisk(source, { rawIfDirty: false });
    const seen: number[] = [];
    const written = await captureImage(
      source,
      plan,
      { sink: new MemorySink(), pool },
      {
        ...{ level: 1, uuid: new Uint8Array(16), nowMs: 0, tool: "t", host: "h" },
        progress: (done, total) => seen.push(done / total),
      },
    );
    expect(seen).toHaveLength(written.chunkCount);
    expect(seen.at(-1)).toBe(1);
    expect([...seen].sort((one, two) => one - two)).toEqual(seen);
  });
});

describe("openImage()", () => {
  test("refuses every prefix of an image as torn", async () => {
    const bytes = await savedBytes(tinyDisk());
    for (let length = 0; length < bytes.byteLength; length += 61) {
      const prefix = imageBytes(bytes.subarray(0, length));
      expect(() => openImage(prefix), `${length} bytes`).toThrow(/^Cannot read image/);
    }
  });

  test("refuses header and footer of two files", async () => {
    const bytes = await savedBytes(tinyDisk());
    const end = bytes.byteLength - 4096;
    const footer = decodeFooter(bytes.subarray(end), bytes.byteLength);
    bytes.set(encodeFooter({ ...footer, uuid: new Uint8Array(16) }), end);
    expect(() => openImage(imageBytes(bytes))).toThrow(/of two files/);
  });

  test("reads no table whose head contradicts its length", async () => {
    const { bytes, index } = await saved(tinyDisk());
    const { footer: found } = index;
    const table = { ...found.table, storedBytes: 2 ** 30 };
    const shift = 2 ** 30 - found.table.storedBytes; // the manifest comes behind the table
    const manifest = { ...found.manifest, offset: found.manifest.offset + shift };
    const fileBytes = bytes.byteLength + shift;
    const footer = encodeFooter({ ...found, fileBytes, chunkCount: 2 ** 16, table, manifest });
    let longest = 0;
    const file = {
      fileBytes,
      read(offset: number, into: Uint8Array) {
        longest = Math.max(longest, into.byteLength);
        const place = offset < manifest.offset ? offset : offset - shift;
        if (offset === fileBytes - footer.byteLength) into.set(footer);
        else into.set(bytes.subarray(place, place + into.byteLength));
      },
    };
    expect(() => openImage(file)).toThrow(/^Cannot read chunk table: 1073741824 bytes for/);
    expect(longest).toBe(4096);
  });

  test("refuses an image whose id is not its content's", async () => {
    const bytes = await savedBytes(tinyDisk());
    const end = bytes.byteLength - 4096;
    const footer = decodeFooter(bytes.subarray(end), bytes.byteLength);
    bytes.set(encodeFooter({ ...footer, imageId: new Uint8Array(32) }), end);
    expect(() => openImage(imageBytes(bytes))).toThrow(/its content has id/);
  });
});

describe("openImageTail()", () => {
  test("gives the same index as the whole file", async () => {
    const { bytes, index } = await saved(gptDisk());
    const tail = openImageTail(bytes.subarray(index.footer.table.offset));
    expect(toHex(tail.imageId)).toBe(toHex(index.imageId));
    expect(tail.manifest).toEqual(index.manifest);
  });

  test("refuses a tail that begins elsewhere or ends early", async () => {
    const { bytes, index } = await saved(gptDisk());
    const start = index.footer.table.offset;
    expect(() => openImageTail(bytes.subarray(start + 8))).toThrow(/^Cannot read/);
    expect(() => openImageTail(bytes.subarray(start, -1))).toThrow(/^Cannot read/);
    expect(() => openImageTail(bytes.subarray(0, 10))).toThrow(/^Cannot read/);
    expect(() => openImageTail(new Uint8Array(5000))).toThrow(/^Cannot read/);
  });
});

describe("checkImage()", () => {
  test("P6: finds every flipped byte of an image", async () => {
    const bytes = await savedBytes(tinyDisk());
    const file = imageBytes(bytes);
    const missed: number[] = [];
    const last = bytes.byteLength - 4096;
    const records = [...span(4096, last)].filter((offset) => offset % 9 === 0 || offset < 4300);
    const offsets = [...span(0, 64), 4095, ...records, ...span(last - 16, last + 180)];
    const problemsNow = async (): Promise<number> =>
      (await checkImage(file, openImage(file), codec, nothing)).problemCount;
    for (const offset of offsets) {
      const byte = bytes[offset] ?? 0;
      bytes[offset] = byte ^ (1 << (offset % 8));
      try {
        if ((await problemsNow()) === 0) missed.push(offset);
      } catch (error) {
        expect(String(error)).toContain("FormatError");
      }
      bytes[offset] = byte;
    }
    expect(missed).toEqual([]);
    expect(await problemsNow()).toBe(0);
  });

  test("waits for its visitor, which can break it off", async () => {
    const { file, index } = await saved(gptDisk());
    let visits = 0;
    const check = checkImage(file, index, codec, async () => {
      visits += 1;
      await Promise.resolve();
      if (visits === 2) throw new Error("stopped");
    });
    await expect(check).rejects.toThrow("stopped");
    expect(visits).toBe(2);
  });

  test("names chunk, partition and place on the disk, and goes on", async () => {
    const { bytes, file, index } = await saved(gptDisk());
    const damaged = [2, index.table.count - 2];
    for (const chunk of damaged) {
      const { offset, length } = index.table.recordRange(chunk);
      bytes[offset + length - 1] = (bytes[offset + length - 1] ?? 0) ^ 0x10;
    }
    const { problems, problemCount, chunks } = await checkImage(file, index, codec, nothing);
    expect(chunks).toBe(index.table.count);
    expect(problemCount).toBe(2);
    expect(problems.map(({ chunk }) => chunk)).toEqual(damaged);
    for (const { chunk = 0, partition, diskBytes, message } of problems) {
      expect(partition).toBe(index.table.entry(chunk).partition);
      expect(diskBytes).toEqual(diskBytesOf(index, chunk));
      expect(message).toMatch(/stored bytes are damaged/);
    }
  });

  test("passes over a signature record and refuses an unknown one", async () => {
    const bytes = await savedBytes(tinyDisk());
    const end = bytes.byteLength - 4096;
    const footer = decodeFooter(bytes.subarray(end), bytes.byteLength);
    const stored = new Uint8Array(100).fill(6);
    const withRecord = (type: number): Uint8Array => {
      const record = new Uint8Array(56 + 100 + paddingAfter(100));
      encodeRecordHeader(
        recordHeaderOf({ type, codec: 0, index: 0, rawBytes: 100 }, stored),
        record,
      );
      record.set(stored, 56);
      const fileBytes = bytes.byteLength + record.byteLength;
      const longer = encodeFooter({ ...footer, fileBytes });
      return new Uint8Array(Buffer.concat([bytes.subarray(0, end), record, longer]));
    };
    const check = (file: Uint8Array) =>
      checkImage(imageBytes(file), openImage(imageBytes(file)), codec, nothing);
    expect((await check(withRecord(0x84))).problemCount).toBe(0);
    expect((await check(withRecord(0x04))).problems[0]?.message).toMatch(/record of type 4/);
    const flipped = withRecord(0x84);
    flipped[end + 60] = 0;
    expect((await check(flipped)).problemCount).toBe(1);
  });
});

describe("openRecord()", () => {
  test("refuses the record of another chunk, a cut one, and one of another image", async () => {
    const { bytes, index } = await saved(gptDisk());
    const other = await saved(gptDisk().fill(9, 4 * MIB, 6 * MIB));
    const recordOf = (image: typeof other, chunk: number): Uint8Array => {
      const { offset, length } = image.index.table.recordRange(chunk);
      return image.bytes.subarray(offset, offset + length);
    };
    const mine = { bytes, index, file: imageBytes(bytes) };
    const entry = index.table.entry(5);
    expect(openRecord(recordOf(mine, 5), entry, 5)).toHaveLength(entry.storedBytes);
    expect(() => openRecord(recordOf(mine, 4), entry, 5)).toThrow(/record of type 1 for chunk 4/);
    expect(() => openRecord(recordOf(mine, 5).subarray(0, -1), entry, 5)).toThrow(/another one/);
    expect(() => openRecord(recordOf(mine, 5).subarray(0, 20), entry, 5)).toThrow(/^Cannot/);
    const differing = index.table.count - 3;
    const theirs = recordOf(other, differing);
    expect(() => openRecord(theirs, index.table.entry(differing), differing)).toThrow(
      /another one/,
    );
  });

  test("gives plain bytes also for a record that is a Buffer", async () => {
    const { bytes, index } = await saved(gptDisk());
    const { offset, length } = index.table.recordRange(5);
    const record = Buffer.from(bytes.subarray(offset, offset + length));
    expect(Buffer.isBuffer(openRecord(record, index.table.entry(5), 5))).toBe(false);
  });
});
