/**
 * Goal: the kernel comes out of a bzImage whole, or not at all.
 * Method: a hand-made bzImage, spoiled field by field and cut at every byte.
 */
import { expect, test } from "vitest";
import { unpackVmlinuz } from "../../../initramfs/bzimage.ts";
import { FormatError } from "../../../shared/core/errors.ts";
import { makeVmlinuz } from "./fixtures.ts";

const kernel = Buffer.from("\x7fELF and then a kernel ".repeat(20), "latin1");
const image = makeVmlinuz(kernel);

function spoil(at: number, value: number): Buffer {
  const copy = Buffer.from(image);
  copy.writeUInt8(value, at);
  return copy;
}

test("unpackVmlinuz() gives the payload when the header names it", () => {
  expect(Buffer.from(unpackVmlinuz(image))).toEqual(kernel);
});

test("unpackVmlinuz() refuses other magic, old protocols, other compressions and sizes", () => {
  expect(() => unpackVmlinuz(spoil(0x202, 0))).toThrow(/"HdrS" wanted/);
  expect(() => unpackVmlinuz(spoil(0x206, 7))).toThrow(/boot protocol 207/);
  expect(() => unpackVmlinuz(spoil(1024 + 16, 0x1f))).toThrow(/zstd wanted/);
  expect(() => unpackVmlinuz(spoil(1024 + 16 + 4, 0xff))).toThrow(FormatError);
  const sizeAt = image.length - "trailer".length - 4;
  expect(() => unpackVmlinuz(spoil(sizeAt, 1))).toThrow(FormatError);
  expect(() => unpackVmlinuz(spoil(sizeAt + 3, 0x7f))).toThrow(FormatError);
});

test("unpackVmlinuz() refuses an image cut before the end of its payload", () => {
  for (let end = 0; end < image.length - "trailer".length; end++) {
    expect(() => unpackVmlinuz(image.subarray(0, end)), `${end}`).toThrow(FormatError);
  }
});
