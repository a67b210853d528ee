/**
 * Goal: an image whose wrapping is right and whose content is wrong is refused before a disk is
 * touched, and no count in an image makes a reader take time or memory without a bound. Method:
 * images taken apart, changed, and put together again with every digest right.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { openFolderStore } from "../../../../server/store/folder-store.io.ts";
import { blake3 } from "../../../../shared/core/digest.ts";
import { inlinePool } from "../../../../shared/image/codec-pool.ts";
import { zlibCodec } from "../../../../shared/image/codec-zlib.ts";
import { ChunkFlag } from "../../../../shared/image/limits.ts";
import { openImage } from "../../../../shared/image/reader.ts";
import { restoreImage } from "../../../../shared/image/restore.ts";
import { checkImage } from "../../../../shared/image/verify.ts";
import { gptDisk, imageBytes, MIB, savedBytes } from "../../../rig/image-fixtures.ts";
import {
  type ImageParts,
  type LooseChunk,
  putTogether,
  takeApart,
} from "../../../rig/image-surgery.ts";
import { MemoryDisk } from "../../../rig/memory-disk.ts";

const folder = mkdtempSync(path.join(tmpdir(), "huck-hostile-"));
const whole = await savedBytes(gptDisk());

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function changed(change: (parts: ImageParts) => void): Uint8Array {
  const parts = takeApart(whole);
  change(parts);
  return putTogether(parts);
}

/** The first chunk of the body that has this codec. */
function bodyChunk({ chunks }: ImageParts, codec: number): LooseChunk {
  const found = chunks.find((chunk) => chunk.codec === codec && chunk.flags === 0);
  if (found === undefined) throw new Error(`no body chunk has codec ${codec}`);
  return found;
}

function frameOf(raw: Uint8Array): Uint8Array {
  return new Uint8Array(zstdCompressSync(raw, { pledgedSrcSize: raw.byteLength }));
}

test("an image that is only taken apart and put together is whole", async () => {
  const again = putTogether(takeApart(whole));
  const file = imageBytes(again);
  const index = openImage(file);
  expect(Buffer.compare(index.imageId, openImage(imageBytes(whole)).imageId)).toBe(0);
  const check = await checkImage(file, index, zlibCodec(), () => undefined);
  expect(check.problemCount).toBe(0);
});

const WRONG_CONTENT: readonly (readonly [string, (parts: ImageParts) => void])[] = [
  [
    "raw bytes under the raw digest of others",
    (parts) => {
      bodyChunk(parts, 0).stored[7] = (bodyChunk(parts, 0).stored[7] ?? 0) ^ 1;
    },
  ],
  [
    "a raw digest of nothing",
    (parts) => {
      bodyChunk(parts, 1).rawDigest = new Uint8Array(32);
    },
  ],
  [
    "a frame of other bytes",
    (parts) => {
      const chunk = bodyChunk(parts, 1);
      chunk.stored = frameOf(new Uint8Array(chunk.rawBytes).fill(0x55));
    },
  ],
  [
    "a frame with a broken block",
    (parts) => {
      const chunk = bodyChunk(parts, 1);
      chunk.stored = chunk.stored.slice();
      chunk.stored.fill(0xff, Math.floor(chunk.stored.byteLength / 2));
    },
  ],
  [
    "bytes behind its frame, which node:zlib passes over and zstd-napi refuses",
    (parts) => {
      const chunk = bodyChunk(parts, 1);
      chunk.stored = new Uint8Array(Buffer.concat([chunk.stored, Buffer.from("junkjunk")]));
    },
  ],
  [
    "a second frame behind its frame",
    (parts) => {
      const chunk = bodyChunk(parts, 1);
      const empty = frameOf(new Uint8Array());
      chunk.stored = new Uint8Array(Buffer.concat([chunk.stored, empty]));
    },
  ],
  [
    "a frame that declares more than the table",
    (parts) => {
      const chunk = bodyChunk(parts, 1);
      chunk.stored = frameOf(new Uint8Array(chunk.rawBytes + 512));
      chunk.rawDigest = blake3(new Uint8Array(chunk.rawBytes));
    },
  ],
];

describe.each(WRONG_CONTENT)("an image with %s", (_, change) => {
  const bytes = changed(change);

  test("opens, because its index is right", () => {
    expect(openImage(imageBytes(bytes)).table.count).toBeGreaterThan(0);
  });

  test("is refused by commit(), and nothing of it stays", async () => {
    const store = openFolderStore(folder);
    const draft = await store.draft("bad");
    await draft.append(bytes);
    await expect(draft.commit()).rejects.toThrow(/^Cannot (use|decompress) chunk/);
    await draft.abort();
    expect((await store.list()).images).toEqual([]);
    await store.close();
  });

  test("is refused by restoreImage() before anything is written", async () => {
    const file = imageBytes(bytes);
    const disk = new MemoryDisk(8 * MIB);
    const options = { orderId: "test", verify: "full" } as const;
    const codec = zlibCodec();
    const image = { file, index: openImage(file), codec, pool: inlinePool(codec) };
    await expect(restoreImage(image, disk, options)).rejects.toThrow(/^Cannot/);
    expect(disk.writes).toBe(0);
  });
});

describe("an image that no disk can take", () => {
  const bytes = changed(({ chunks }) => {
    for (const chunk of chunks) chunk.flags &= ~ChunkFlag.bootGate;
  });

  test("is damaged to checkImage(), though all its digests are right", async () => {
    const file = imageBytes(bytes);
    const check = await checkImage(file, openImage(file), zlibCodec(), () => undefined);
    expect(check.problems.map(({ message }) => message).join()).toMatch(/boot gate/);
  });

  test("is refused by commit()", async () => {
    const store = openFolderStore(folder);
    const draft = await store.draft("gateless");
    await draft.append(bytes);
    await expect(draft.commit()).rejects.toThrow(/boot gate/);
    await draft.abort();
    await store.close();
  });
});

describe("openImage() refuses", () => {
  test.each<[string, (parts: ImageParts) => void, RegExp]>([
    [
      "more gate chunks than a restore may keep",
      manyChunks(4097, 512, 1),
      /belong to its boot gate/,
    ],
    ["more gate bytes than a restore may keep", manyChunks(129, MIB, 1), /belong to its boot gate/],
    ["more gate extents than a restore may keep", manyChunks(33, MIB, 2048), /boot gate/],
    [
      "a trailer that no node could fetch",
      (parts) => {
        parts.trailer = new Uint8Array(MIB + 8);
      },
      /footer describes/,
    ],
    [
      "a manifest in front of its table",
      (parts) => {
        parts.changeFooter = (footer) => ({
          ...footer,
          manifest: { ...footer.manifest, offset: footer.table.offset - 8 },
        });
      },
      /footer describes/,
    ],
    [
      "a table whose record runs into the manifest",
      (parts) => {
        parts.changeFooter = (footer) => ({
          ...footer,
          manifest: { ...footer.manifest, offset: footer.table.offset + 64 },
        });
      },
      /footer describes/,
    ],
  ])("%s", (_, change, message) => {
    const bytes = changed(change);
    expect(() => openImage(imageBytes(bytes))).toThrow(message);
  });
});

test("openImage() takes as many gate chunks as a save can make", () => {
  const bytes = changed(manyChunks(128, MIB, 1));
  expect(openImage(imageBytes(bytes)).table.count).toBe(128);
});

/** Replaces all chunks by gate chunks of zeros, each in a slot of its own. */
function manyChunks(count: number, rawBytes: number, extentCount: number) {
  return (parts: ImageParts): void => {
    const stored = frameOf(new Uint8Array(rawBytes));
    const rawDigest = blake3(new Uint8Array(rawBytes));
    const units = rawBytes / 512 / extentCount;
    const slotUnits = 131072;
    parts.manifest.disk.sizeBytes = count * slotUnits * 512;
    parts.chunks = Array.from({ length: count }, (_, index) => ({
      ...{ codec: 1, flags: 1, partition: 0, slotLog2: 26, rawBytes, rawDigest, stored },
      extents: Array.from({ length: extentCount }, (_none, at) => {
        const start = index * slotUnits + at * (units + 1);
        return { start, end: start + units };
      }),
    }));
  };
}
