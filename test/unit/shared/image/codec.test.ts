/**
 * Goal: both codecs read each other's frames, and neither is ever led to expand what was not
 * promised. Method: the same contract for both; frames cut, flipped, or declaring something else.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { zstdCompressSync } from "node:zlib";
import { createChunkCodec } from "../../../../shared/image/codec.ts";
import { checkZstdFrame } from "../../../../shared/image/zstd-frame.ts";

const pools = [await createChunkCodec("node:zlib"), await createChunkCodec("auto")];
const text = new TextEncoder().encode(
  "huck throws a disk image at a room full of computers. ".repeat(900),
);

function lengthField(length: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes;
}

describe.each(pools.map((pool) => [pool.name, pool] as const))("%s", (_, pool) => {
  test("compress() makes a frame that declares its size and that every codec reads", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), (raw) => {
        const frame = new Uint8Array(pool.compress(raw, 3));
        for (const other of pools) {
          expect(Buffer.compare(other.decompress(frame, raw.byteLength), raw)).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  test.each([1, 3, 19])("level %i round trips a full chunk", (level) => {
    const raw = new Uint8Array(1 << 20);
    for (let at = 0; at < raw.length; at += text.length) {
      raw.set(text.subarray(0, Math.min(text.length, raw.length - at)), at);
    }
    const frame = pool.compress(raw, level);
    expect(frame.byteLength).toBeLessThan(raw.byteLength / 10);
    expect(Buffer.compare(pool.decompress(frame, raw.byteLength), raw)).toBe(0);
  });

  test("decompress() refuses a frame that declares another size", () => {
    const frame = new Uint8Array(pool.compress(text, 3));
    expect(() => pool.decompress(frame, text.byteLength - 1)).toThrow(/bytes declared/);
    expect(() => pool.decompress(frame, text.byteLength + 1)).toThrow(/bytes declared/);
  });

  test("decompress() never gives other bytes silently when a frame is cut", () => {
    const frame = new Uint8Array(pool.compress(text, 3));
    for (let length = 0; length < frame.byteLength; length += 7) {
      expect(() => pool.decompress(frame.slice(0, length), text.byteLength)).toThrow(/^Cannot/);
    }
  });

  test.each([
    ["bytes behind it", (frame: Uint8Array) => [frame, Buffer.from("junkjunk")], /8 bytes stand/],
    ["another frame behind it", (frame: Uint8Array) => [frame, frame], /bytes stand behind/],
    [
      "a skippable frame behind it",
      (frame: Uint8Array) => [frame, Buffer.from("502a4d180400000001020304", "hex")],
      /12 bytes stand/,
    ],
    // RLE block of 512 KiB in a frame that declares as much as the text has
    [
      "a block longer than it declares",
      (frame: Uint8Array) => [frame.subarray(0, 9), Buffer.from("0300400030".slice(0, 8), "hex")],
      /^Cannot/,
    ],
    [
      "a block of an unknown type",
      () => [
        Buffer.from("28b52ffda0", "hex"),
        lengthField(text.byteLength),
        Buffer.from([7, 0, 0]),
      ],
      /unknown type/,
    ],
  ])("decompress() refuses a frame with %s", (_, change, message) => {
    const frame = new Uint8Array(pool.compress(text, 3));
    const bytes = new Uint8Array(Buffer.concat(change(frame)));
    expect(() => pool.decompress(bytes, text.byteLength)).toThrow(message);
  });

  test("results are plain bytes whose slice() copies", () => {
    const frame = pool.compress(text, 3).slice();
    const raw = pool.decompress(frame, text.byteLength);
    const copy = raw.slice();
    pool.decompress(new Uint8Array(pool.compress(new Uint8Array(100).fill(1), 3)), 100);
    expect(Buffer.compare(copy, text)).toBe(0);
  });
});

describe("checkZstdFrame()", () => {
  test.each([
    ["no magic", "00000000", /no zstd magic/],
    ["a dictionary", "28b52ffd2100ff", /dictionary/],
    ["a reserved bit", "28b52ffd28ff", /reserved bit/],
    ["a window of 2 MiB", "28b52ffd8058ffff0000", /window/],
    ["no declared size", "28b52ffd0050", /no bytes declared/],
    ["too few bytes", "28b52f", /^Cannot read zstd frame/],
  ])("refuses a frame with %s", (_, hex, message) => {
    expect(() => {
      checkZstdFrame(Buffer.from(hex, "hex"), 255);
    }).toThrow(message);
  });

  test("reads all widths of the size field", () => {
    for (const size of [1, 255, 256, 65791, 65792, 1 << 20]) {
      const raw = new Uint8Array(size);
      const frame = zstdCompressSync(raw, { pledgedSrcSize: size });
      expect(() => {
        checkZstdFrame(frame, size);
      }).not.toThrow();
    }
  });
});

test("createChunkCodec() gives what was named, or says that it is missing", async () => {
  expect((await createChunkCodec("node:zlib")).name).toBe("node:zlib");
  const named = createChunkCodec("zstd-napi");
  const loads = await import("zstd-napi/binding.js").then(
    () => true,
    () => false,
  );
  if (loads) expect((await named).name).toBe("zstd-napi");
  else await expect(named).rejects.toMatchObject({ code: "codec_missing" });
  expect((await createChunkCodec("auto")).name).toBe(loads ? "zstd-napi" : "node:zlib");
});
