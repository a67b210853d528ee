/**
 * Checks a zstd frame before a decoder sees it (RFC 8878 section 3.1.1).
 *
 * A hostile frame may ask for any window and expand to any size. Ours must declare exactly the size
 * that the chunk table promises, use no dictionary, and need a window of at most 1 MiB. It must
 * also end where the stored bytes end: decoders disagree about bytes after a frame (node:zlib
 * passes over them, zstd-napi refuses them), and a chunk that one of them proved would then be
 * refused by another one after the disk was erased.
 */
import { ByteReader } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { CHUNK_RAW_BYTES_MAX } from "./limits.ts";

const MAGIC = 0xfd2fb528;
const CHECKSUM_FLAG = 0x04;
/** Length of the frame's checksum. Unit: bytes. */
const CHECKSUM_BYTES = 4;
/** Types of blocks: repeated byte, reserved. */
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;
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
  passBlocks(reader);
  const after = reader.left - ((descriptor & CHECKSUM_FLAG) === 0 ? 0 : CHECKSUM_BYTES);
  if (after !== 0) throw badFrame(`${after} bytes stand behind its last block`);
}

/** Reads over the blocks, each of which has a header of three bytes: last (1 bit), type, size. */
function passBlocks(reader: ByteReader): void {
  for (let last = false; !last; ) {
    const header = reader.u16le() + (reader.u8() << 16);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    if (type === BLOCK_RESERVED) throw badFrame("a block of an unknown type");
    reader.skip(type === BLOCK_RLE ? 1 : header >> 3);
  }
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
