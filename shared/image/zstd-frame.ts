/**
 * Checks the header of a zstd frame before a decoder sees it (RFC 8878 section 3.1.1.1).
 *
 * A hostile frame may ask for any window and expand to any size. Ours must declare exactly the size
 * that the chunk table promises, use no dictionary, and need a window of at most 1 MiB.
 */
import { ByteReader } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { CHUNK_RAW_BYTES_MAX } from "./limits.ts";

const MAGIC = 0xfd2fb528;
/** Length of the content size field, by the top two bits of the descriptor. */
const SIZE_FIELD_BYTES: readonly number[] = [0, 2, 4, 8];

/**
 * Checks that a chunk may hold this frame.
 *
 * @param rawBytes - Size that it must declare.
 * @throws {@link FormatError} `bad_frame`.
 */
export function checkZstdFrame(frame: Uint8Array, rawBytes: number): void {
  const reader = new ByteReader(frame, "zstd frame");
  if (reader.u32le() !== MAGIC) throw badFrame("no zstd magic");
  const descriptor = reader.u8();
  const singleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0 || (descriptor & 0x03) !== 0) {
    throw badFrame("a reserved bit or a dictionary");
  }
  if (!singleSegment && windowBytes(reader.u8()) > CHUNK_RAW_BYTES_MAX)
    throw badFrame("its window");
  const fieldBytes = SIZE_FIELD_BYTES[descriptor >> 6] ?? 0;
  const declared = declaredBytes(reader, fieldBytes, singleSegment);
  if (declared !== rawBytes)
    throw badFrame(`${declared ?? "no"} bytes declared, ${rawBytes} wanted`);
}

/** @returns An error with code `bad_frame`. */
export function badFrame(found: string, cause?: unknown): FormatError {
  return new FormatError("bad_frame", `Cannot decompress chunk: ${found}`, { cause });
}

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function declaredBytes(
  reader: ByteReader,
  fieldBytes: number,
  singleSegment: boolean,
): number | undefined {
  if (fieldBytes === 0) return singleSegment ? reader.u8() : undefined;
  if (fieldBytes === 2) return reader.u16le() + 256;
  return fieldBytes === 4 ? reader.u32le() : reader.u64leAsNumber();
}
