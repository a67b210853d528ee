/**
 * Digests and checksums: BLAKE3 identifies content, CRC-32C guards headers against accidents.
 *
 * BLAKE3 is that of @napi-rs/blake-hash (prebuilt, 6 GB/s per core); the specification's own
 * vectors are in the test. CRC-32C is Castagnoli's polynomial in reflected form (RFC 3720 appendix
 * B.4), table driven, because it is used only for headers of a few KiB.
 */
import { Blake3Hasher, blake3 as blake3Native } from "@napi-rs/blake-hash";
import { FormatError } from "./errors.ts";

/** Bytes of a BLAKE3 digest. */
export const DIGEST_BYTES = 32;

/** A digest of bytes that come in pieces. */
export interface DigestStream {
  /**
   * @param bytes - Read during the call only.
   */
  update(bytes: Uint8Array): void;
  /** @returns 32 fresh bytes. The stream must not be used afterwards. */
  finish(): Uint8Array;
}

/**
 * @param bytes - Read during the call only.
 * @returns 32 fresh bytes.
 */
export function blake3(bytes: Uint8Array): Uint8Array {
  return blake3Native(bytes);
}

export function blake3Stream(): DigestStream {
  const hasher = new Blake3Hasher();
  return {
    update(bytes) {
      hasher.update(bytes);
    },
    finish: () => hasher.digestBuffer(),
  };
}

/** @returns Lower-case hexadecimal, two digits per byte. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/**
 * @param text - Digits in either case.
 * @param byteCount - The length that the result must have.
 * @returns Fresh bytes.
 * @throws {@link FormatError} `bad_hex`.
 */
export function fromHex(text: string, byteCount: number): Uint8Array {
  if (text.length !== byteCount * 2 || !/^[0-9a-f]*$/i.test(text)) {
    throw new FormatError(
      "bad_hex",
      `Cannot read ${byteCount} bytes of hexadecimal: "${text.slice(0, 80)}", ` +
        `${byteCount * 2} digits wanted`,
    );
  }
  return Uint8Array.from(Buffer.from(text, "hex"));
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/**
 * @param bytes - Read during the call only.
 * @param seed - Result for the previous piece, to continue; 0 to start.
 * @returns Unsigned 32 bits.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed >>> 0;
  for (const byte of bytes) {
    crc = (crc >>> 8) ^ (CRC32C_TABLE[(crc ^ byte) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
}

const CRC32C_POLYNOMIAL_REFLECTED = 0x82f63b78;
const CRC32C_TABLE = crcTable(CRC32C_POLYNOMIAL_REFLECTED);

function crcTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, value) => {
    let crc = value;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    }
    return crc;
  });
}
