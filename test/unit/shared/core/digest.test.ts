/**
 * Goal: digests and checksums are the standard ones. Method: published vectors, pieces against the
 * whole.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  blake3,
  blake3Stream,
  crc32c,
  fromHex,
  sameBytes,
  toHex,
} from "../../../../shared/core/digest.ts";
import { FormatError } from "../../../../shared/core/errors.ts";

/** From the BLAKE3 reference repository's test_vectors.json: input byte i is i mod 251. */
const BLAKE3_VECTORS: readonly (readonly [number, string])[] = [
  [0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"],
  [1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"],
  [1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"],
];

test("blake3() gives the reference vectors", () => {
  for (const [length, wanted] of BLAKE3_VECTORS) {
    const input = Uint8Array.from({ length }, (_, index) => index % 251);
    expect(toHex(blake3(input))).toBe(wanted);
  }
});

test("blake3Stream() over pieces equals blake3() over the whole", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }), (pieces) => {
      const stream = blake3Stream();
      for (const piece of pieces) stream.update(piece);
      expect(sameBytes(stream.finish(), blake3(Buffer.concat(pieces)))).toBe(true);
    }),
  );
});

test("crc32c() gives the vectors of RFC 3720 B.4, also in pieces", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(ascending.subarray(9), crc32c(ascending.subarray(0, 9)))).toBe(0x46dd794e);
});

test("fromHex() undoes toHex() and refuses everything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(sameBytes(fromHex(toHex(bytes), bytes.byteLength), bytes)).toBe(true);
    }),
  );
  for (const bad of ["0", "000", "zz", "00 0"]) {
    expect(() => fromHex(bad, 2)).toThrow(FormatError);
  }
});
