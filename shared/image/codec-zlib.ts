/** The chunk codec on node:zlib, for computers where zstd-napi was not built. */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { ChunkCodec } from "./chunk-codec.ts";
import { badFrame, checkZstdFrame } from "./zstd-frame.ts";

/** @returns A codec without state. */
export function zlibCodec(): ChunkCodec {
  return {
    name: "node:zlib",
    compress(raw, level) {
      const params = { [constants.ZSTD_c_compressionLevel]: level };
      return plain(zstdCompressSync(raw, { params, pledgedSrcSize: raw.byteLength }));
    },
    decompress(frame, rawBytes) {
      checkZstdFrame(frame, rawBytes);
      const raw = decompressed(frame, rawBytes);
      if (raw.byteLength === rawBytes) return raw;
      throw badFrame(`${raw.byteLength} bytes came out, ${rawBytes} wanted`);
    },
  };
}

function decompressed(frame: Uint8Array, rawBytes: number): Uint8Array {
  try {
    return plain(zstdDecompressSync(frame, { maxOutputLength: rawBytes }));
  } catch (cause) {
    throw badFrame("node:zlib refuses the frame", cause);
  }
}

/** A Buffer's `slice` shares memory; the users of a codec should not have to know that. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
