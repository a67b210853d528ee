/**
 * ChunkCodec: zstd as the image uses it, one chunk at a time.
 *
 * There are two implementations: zstd-napi, and node:zlib where zstd-napi was not built. Any zstd
 * decoder reads the frames of both. Frames may differ between them; raw digests, and therefore
 * image ids, do not.
 */

/** Numbers of the codecs in a chunk record (FORMAT.md). */
export const Codec = { raw: 0, zstd: 1 } as const;
/** One of the {@link Codec} numbers. */
export type Codec = (typeof Codec)[keyof typeof Codec];

/** Compresses and decompresses chunks. Calls are synchronous; a codec belongs to one thread. */
export interface ChunkCodec {
  /** Which implementation this is. */
  readonly name: "zstd-napi" | "node:zlib";
  /**
   * Compresses one chunk.
   *
   * @param raw - At most 1 MiB.
   * @param level - zstd level, 1 .. 19.
   * @returns One zstd frame that declares its content size. Valid until the next call: copy it to
   *   keep it.
   */
  compress(raw: Uint8Array, level: number): Uint8Array;
  /**
   * Decompresses one frame.
   *
   * @param rawBytes - Size that the chunk table promises, at most 1 MiB.
   * @returns Exactly `rawBytes` bytes. Valid until the next call: copy them to keep them.
   * @throws FormatError `bad_frame` if the frame is damaged or has another size.
   */
  decompress(frame: Uint8Array, rawBytes: number): Uint8Array;
}
