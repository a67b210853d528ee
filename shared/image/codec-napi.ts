/**
 * The chunk codec on zstd-napi. Its contexts and buffers are reused, so a chunk allocates nothing.
 */
import type { CCtx, DCtx } from "zstd-napi/binding.js";
import type { ChunkCodec } from "./chunk-codec.ts";
import { CHUNK_RAW_BYTES_MAX } from "./limits.ts";
import { badFrame, checkZstdFrame } from "./zstd-frame.ts";

/** The part of zstd-napi's binding that we use. */
export interface ZstdBinding {
  readonly CCtx: new () => CCtx;
  readonly DCtx: new () => DCtx;
  /** Longest possible frame for so many bytes. */
  readonly compressBound: (size: number) => number;
}

/** @returns A codec whose results lie in its two buffers. */
export function napiCodec(binding: ZstdBinding): ChunkCodec {
  const compressor = new binding.CCtx();
  const decompressor = new binding.DCtx();
  const frames = new Uint8Array(binding.compressBound(CHUNK_RAW_BYTES_MAX));
  const raws = new Uint8Array(CHUNK_RAW_BYTES_MAX);
  return {
    name: "zstd-napi",
    compress: (raw, level) => frames.subarray(0, compressor.compress(frames, raw, level)),
    decompress(frame, rawBytes) {
      checkZstdFrame(frame, rawBytes);
      const into = raws.subarray(0, rawBytes);
      const length = decompressedInto(decompressor, into, frame);
      if (length === rawBytes) return into;
      throw badFrame(`${length} bytes came out, ${rawBytes} wanted`);
    },
  };
}

function decompressedInto(decompressor: DCtx, into: Uint8Array, frame: Uint8Array): number {
  try {
    return decompressor.decompress(into, frame);
  } catch (cause) {
    throw badFrame("zstd refuses the frame", cause);
  }
}
