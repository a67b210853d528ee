/**
 * Goal: a cast record is either exactly what was sealed, or refused.
 *
 * Method: a golden vector, every truncation, every bit of the header and bits of the data flipped,
 * and round trips by property.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../shared/core/digest.ts";
import {
  CAST_DATA_BYTES,
  CAST_HEADER_BYTES,
  CAST_RECORD_BYTES_MAX,
  readCastRecord,
  sealCastRecord,
} from "../../../../shared/wire/cast-record.ts";

function sealed(data: Uint8Array, chunk: number, last: boolean): Uint8Array {
  const record = new Uint8Array(CAST_HEADER_BYTES + data.byteLength);
  record.set(data, CAST_HEADER_BYTES);
  expect(sealCastRecord(record, chunk, data.byteLength, last)).toBe(record.byteLength);
  return record;
}

const abc = new TextEncoder().encode("abc");

/** Made by this code; BLAKE3 itself is checked against its vectors elsewhere. */
const GOLDEN =
  "48754361" +
  "afe532b909a0b15d20a6c158844fbcafde5eb292c383b9d2dc4365be19cc9865" +
  "00000007" +
  "00000003" +
  "01000000" +
  "616263";

describe("sealCastRecord()", () => {
  test("writes the golden vector", () => {
    expect(toHex(sealed(abc, 7, true))).toBe(GOLDEN);
  });
});

describe("readCastRecord()", () => {
  test("reads the golden vector, also with the zeros of its last symbol", () => {
    const bytes = Buffer.from(GOLDEN + "00".repeat(1357), "hex");
    const record = readCastRecord(bytes, 7);
    expect(record).toMatchObject({ chunk: 7, rawLength: 3, last: true });
    expect(Buffer.from(record.data).toString()).toBe("abc");
  });

  test("gives back what was sealed", () => {
    const chunk = fc.integer({ min: 0, max: 2 ** 24 - 1 });
    const padding = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), chunk, padding, (data, index, zeros) => {
        const record = new Uint8Array(CAST_HEADER_BYTES + data.byteLength + zeros);
        record.set(sealed(data, index, true));
        expect(readCastRecord(record, index).data).toEqual(data);
      }),
    );
  });

  test("reads a full record in the middle of a stream", () => {
    const data = new Uint8Array(CAST_DATA_BYTES).map((_, index) => index * 7);
    const record = sealed(data, 3, false);
    expect(record.byteLength).toBe(CAST_RECORD_BYTES_MAX);
    expect(readCastRecord(record, 3)).toMatchObject({ last: false, rawLength: CAST_DATA_BYTES });
  });

  test("refuses every truncation", () => {
    const record = sealed(abc, 7, true);
    for (let length = 0; length < record.byteLength; length += 1) {
      expect(() => readCastRecord(record.subarray(0, length), 7)).toThrow(
        "Cannot read cast record",
      );
    }
  });

  test("refuses every flipped bit", () => {
    const record = sealed(abc, 7, true);
    for (let bit = 0; bit < record.byteLength * 8; bit += 1) {
      const flipped = Uint8Array.from(record);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => readCastRecord(flipped, 7)).toThrow("Cannot read cast record");
    }
  });

  test("refuses a record of another place, and a short one before the end", () => {
    const misplaced: unknown = expect.objectContaining({ code: "wrong_chunk" });
    expect(() => readCastRecord(sealed(abc, 7, true), 8)).toThrow(misplaced);
    const short: unknown = expect.objectContaining({ code: "field_range" });
    expect(() => readCastRecord(sealed(abc, 7, false), 7)).toThrow(short);
  });
});
