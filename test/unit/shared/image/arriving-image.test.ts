/**
 * Goal: an image that arrives is refused at the first byte that shows it is none, or none of its
 * disk, and a true one never is.
 *
 * Method: a real image in pieces of every size, then the same with one thing wrong.
 */
import { expect, test } from "vitest";
import { ArrivingImage } from "../../../../shared/image/arriving-image.ts";
import { encodeRecordHeader } from "../../../../shared/image/record.ts";
import { RecordType } from "../../../../shared/image/limits.ts";
import { seededRandom } from "../../../../shared/core/random.ts";
import { imageBytes } from "../../../rig/small-image.ts";

const DISK_BYTES = 2 ** 40;
const image = await imageBytes();

function taken(bytes: Uint8Array, pieceBytes: number, diskBytes = DISK_BYTES): number | string {
  const arriving = new ArrivingImage(diskBytes);
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    try {
      arriving.push(bytes.subarray(at, at + pieceBytes));
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
  return bytes.byteLength;
}

function record(type: number, index: number, storedBytes: number, rawBytes: number): Uint8Array {
  const into = new Uint8Array(56);
  const digest = new Uint8Array(32);
  encodeRecordHeader({ type, codec: 0, index, storedBytes, rawBytes, digest }, into);
  return into;
}

/** The image's header, and what a hostile node sends after it. */
function after(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([image.subarray(0, 4096), ...parts]);
}

test("ArrivingImage.push() takes a true image in pieces of any size", () => {
  for (const pieceBytes of [1, 7, 55, 56, 57, 4095, 4096, 65_536, 1 << 24]) {
    expect(taken(image, pieceBytes)).toBe(image.byteLength);
  }
  const random = seededRandom(3);
  for (let cut = 0; cut < 200; cut += 1) {
    expect(taken(image.subarray(0, random.below(image.byteLength)), 4096)).toBeTypeOf("number");
  }
});

test("ArrivingImage.push() refuses what is no image at its first block", () => {
  expect(taken(new Uint8Array(4096), 4096)).toBe("not_an_image");
  expect(taken(after(new Uint8Array(56)), 4096)).toBe("bad_record");
  expect(taken(Buffer.concat([image, Buffer.of(0)]), 4096)).toBe("not_an_image");
});

test("ArrivingImage.push() refuses more than the disk can give, without its bytes", () => {
  const mib = 1 << 20;
  const chunk = (index: number): Uint8Array =>
    Buffer.concat([record(RecordType.chunk, index, 8, mib), new Uint8Array(8)]);
  const chunks = Array.from({ length: 5 }, (_, index) => chunk(index));
  expect(taken(after(...chunks), 4096, 5 * mib)).toBeTypeOf("number");
  expect(taken(after(...chunks), 4096, 4 * mib)).toBe("too_long");
  const tiny = Array.from({ length: 1100 }, (_, index) =>
    Buffer.concat([record(RecordType.chunk, index, 8, 512), new Uint8Array(8)]),
  );
  expect(taken(after(...tiny), 4096, 4 * mib)).toBe("too_long");
});

test("ArrivingImage.push() refuses records out of order, too long, or of unknown types", () => {
  const { chunk, table, manifest, note } = RecordType;
  for (const wrong of [
    record(chunk, 1, 8, 512),
    record(chunk, 0, 2 ** 31, 512),
    record(chunk, 0, 8, 2 ** 31),
    record(table, 0, 2 ** 31 - 1, 2 ** 31 - 1),
    record(manifest, 0, 8, 8),
    record(note, 0, 8, 8),
    record(0x7f, 0, 8, 8),
  ]) {
    expect(taken(after(wrong), 4096)).toBe("not_an_image");
  }
});

test("ArrivingImage.push() throws nothing but FormatError for 2000 changed images", () => {
  const random = seededRandom(5);
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Uint8Array.from(image);
    for (let flips = 0; flips <= random.below(4); flips += 1) {
      bytes[random.below(bytes.byteLength)] = random.below(256);
    }
    expect(taken(bytes, 1 + random.below(9000))).not.toBe(undefined);
  }
});
