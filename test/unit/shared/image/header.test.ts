/**
 * Goal: header, footer and record header are the bytes of FORMAT.md, and no flipped bit passes.
 * Method: golden vectors; every byte flipped; every truncation; round trips.
 */
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../../shared/core/digest.ts";
import {
  decodeFooter,
  decodeHeader,
  encodeFooter,
  encodeHeader,
} from "../../../../shared/image/header.ts";
import {
  decodeRecordHeader,
  encodeRecordHeader,
  paddingAfter,
} from "../../../../shared/image/record.ts";
import { forEachFlip, span } from "../../../rig/disk-fixtures.ts";
import { imageVector } from "../../../rig/image-vector.ts";

const HEADER = { uuid: new Uint8Array(16).fill(0xa5), createdMs: 1_780_000_000_000 };
const place = (offset: number, storedBytes: number, fill: number) => ({
  offset,
  storedBytes,
  digest: new Uint8Array(32).fill(fill),
});
const FOOTER = {
  uuid: HEADER.uuid,
  fileBytes: 100_000,
  chunkCount: 3,
  table: place(8192, 1000, 1),
  manifest: place(9256, 500, 2),
  imageId: new Uint8Array(32).fill(3),
};
const RECORD = {
  type: 1,
  codec: 1,
  index: 5,
  storedBytes: 77,
  rawBytes: 512,
  digest: new Uint8Array(32).fill(9),
};

function recordHeader(): Uint8Array {
  const bytes = new Uint8Array(56);
  encodeRecordHeader(RECORD, bytes);
  return bytes;
}

/** All bytes but trailing zeros before the checksum, as the vector file keeps them. */
function short(block: Uint8Array): string {
  let end = 4092;
  while (block[end - 1] === 0) end -= 1;
  return `${toHex(block.subarray(0, end))}..${toHex(block.subarray(4092))}`;
}

describe("header", () => {
  test("encodeHeader() writes the bytes of FORMAT.md", () => {
    expect(short(encodeHeader(HEADER))).toBe(imageVector("header"));
  });

  test("decodeHeader() gives back what was encoded", () => {
    expect(decodeHeader(encodeHeader(HEADER))).toEqual(HEADER);
  });

  test("decodeHeader() refuses when any byte is flipped or missing", () => {
    const bytes = encodeHeader(HEADER);
    forEachFlip(bytes, span(0, 4096), (offset) => {
      expect(() => decodeHeader(bytes), `byte ${offset}`).toThrow(/^Cannot read image/);
    });
    for (const length of [0, 7, 8, 40, 4095]) {
      expect(() => decodeHeader(bytes.subarray(0, length))).toThrow(/^Cannot read image/);
    }
  });
});

describe("footer", () => {
  test("encodeFooter() writes the bytes of FORMAT.md", () => {
    expect(short(encodeFooter(FOOTER))).toBe(imageVector("footer"));
  });

  test("decodeFooter() gives back what was encoded", () => {
    expect(decodeFooter(encodeFooter(FOOTER), FOOTER.fileBytes)).toEqual(FOOTER);
  });

  test("decodeFooter() refuses when any byte is flipped", () => {
    const bytes = encodeFooter(FOOTER);
    forEachFlip(bytes, span(0, 4096), (offset) => {
      expect(() => decodeFooter(bytes, FOOTER.fileBytes), `byte ${offset}`).toThrow(/^Cannot/);
    });
  });

  test("decodeFooter() refuses a footer of a longer file, and places outside the file", () => {
    expect(() => decodeFooter(encodeFooter(FOOTER), 99_999)).toThrow(/99999 bytes are there/);
    const behind = { ...FOOTER, manifest: place(100_000 - 4096 - 540, 500, 2) };
    expect(() => decodeFooter(encodeFooter(behind), 100_000)).toThrow(/footer describes/);
    const outside = { ...FOOTER, table: place(99_000, 1000, 1) };
    expect(() => decodeFooter(encodeFooter(outside), 100_000)).toThrow(/footer describes/);
    const many = { ...FOOTER, chunkCount: 2 ** 24 + 1 };
    expect(() => decodeFooter(encodeFooter(many), 100_000)).toThrow(/footer describes/);
  });

  const GIB = 2 ** 30;
  test.each([
    ["table longer than 2048 extents for each chunk", 3, 3 * (96 + 12 * 2048) + 17, 500],
    ["table shorter than one extent for each chunk", 3, 3 * (96 + 12) + 15, 500],
    ["table of 3 GiB", 2 ** 24, 3 * GIB, 500],
    ["manifest of 3 GiB", 3, 1000, 3 * GIB],
  ])("decodeFooter() refuses a %s", (_, chunkCount, tableBytes, manifestBytes) => {
    const footer = {
      ...FOOTER,
      fileBytes: 8 * GIB,
      chunkCount,
      table: place(8192, tableBytes, 1),
      manifest: place(4 * GIB, manifestBytes, 2),
    };
    expect(() => decodeFooter(encodeFooter(footer), 8 * GIB)).toThrow(
      `a table of ${tableBytes} and a manifest of ${manifestBytes} bytes`,
    );
  });

  test("decodeFooter() takes the shortest and the longest table of its chunks", () => {
    for (const storedBytes of [16 + 3 * (96 + 12), 16 + 3 * (96 + 12 * 2048)]) {
      const manifest = place(8192 + 56 + storedBytes, 500, 2);
      const footer = { ...FOOTER, table: place(8192, storedBytes, 1), manifest };
      expect(decodeFooter(encodeFooter(footer), 100_000)).toEqual(footer);
    }
  });
});

describe("record header", () => {
  test("encodeRecordHeader() writes the bytes of FORMAT.md", () => {
    expect(toHex(recordHeader())).toBe(imageVector("record"));
    expect(decodeRecordHeader(fromHex(imageVector("record"), 56))).toEqual(RECORD);
  });

  test("decodeRecordHeader() refuses when any byte is flipped or missing", () => {
    const bytes = recordHeader();
    forEachFlip(bytes, span(0, 56), (offset) => {
      expect(() => decodeRecordHeader(bytes), `byte ${offset}`).toThrow(/^Cannot read record/);
    });
    for (const length of span(0, 56)) {
      expect(() => decodeRecordHeader(bytes.subarray(0, length))).toThrow(/^Cannot read record/);
    }
  });

  test("paddingAfter() fills up to a multiple of 8", () => {
    expect([0, 1, 7, 8, 9].map(paddingAfter)).toEqual([0, 7, 1, 0, 7]);
  });
});
