/** Goal: results live in the pool's buffers, errors are ours. Method: the binding, if built. */
import { describe, expect, test } from "vitest";
import { napiCodec, type ZstdBinding } from "../../../../shared/image/codec-napi.ts";

const loaded = await import("zstd-napi/binding.js").catch(() => undefined);

describe.skipIf(loaded === undefined)("napiCodec()", () => {
  const binding = (loaded as unknown as { readonly default: ZstdBinding }).default;

  test("gives views of two buffers that are used again", () => {
    const pool = napiCodec(binding);
    const one = pool.compress(new Uint8Array(1000), 3);
    const two = pool.compress(new Uint8Array(2000), 3);
    expect(one.buffer).toBe(two.buffer);
    expect(pool.decompress(two, 2000).byteLength).toBe(2000);
  });

  test("throws our error when zstd refuses a frame", () => {
    const pool = napiCodec(binding);
    const frame = pool.compress(new TextEncoder().encode("text ".repeat(500)), 3).slice();
    frame[frame.byteLength - 2] = (frame.at(-2) ?? 0) ^ 0xff;
    frame[12] = 0xff;
    expect(() => pool.decompress(frame, 2500)).toThrow(/^Cannot decompress chunk/);
  });
});
