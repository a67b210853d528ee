/**
 * Choice of the chunk codec: zstd-napi if it was built for this computer, else node:zlib.
 *
 * zstd-napi is native code and optional. Only this file loads it, and a failed load is no error.
 */
import { SituationError } from "../core/errors.ts";
import { napiCodec, type ZstdBinding } from "./codec-napi.ts";
import type { ChunkCodec } from "./chunk-codec.ts";
import { zlibCodec } from "./codec-zlib.ts";

/** The codecs that can be asked for. */
export type CodecChoice = "auto" | ChunkCodec["name"];

/**
 * Makes a codec for the calling thread.
 *
 * @param choice - `auto` takes zstd-napi if it loads.
 * @returns A codec; its `name` says which one it is.
 * @throws {@link SituationError} `codec_missing` if zstd-napi was asked for by name and does not
 *   load.
 */
export async function createChunkCodec(choice: CodecChoice = "auto"): Promise<ChunkCodec> {
  if (choice === "node:zlib") return zlibCodec();
  const loaded = await loadBinding();
  if ("binding" in loaded) return napiCodec(loaded.binding);
  if (choice === "auto") return zlibCodec();
  throw new SituationError("codec_missing", "Cannot use zstd-napi: it does not load", {
    cause: loaded.cause,
    cure: "Use node:zlib, or install a C++ compiler and install the packages again",
  });
}

/**
 * The binding is CommonJS, so everything that it exports is in the default export; its types do not
 * say so.
 */
async function loadBinding(): Promise<
  { readonly binding: ZstdBinding } | { readonly cause: unknown }
> {
  try {
    const loaded: unknown = await import("zstd-napi/binding.js");
    return { binding: (loaded as { readonly default: ZstdBinding }).default };
  } catch (cause) {
    return { cause };
  }
}
