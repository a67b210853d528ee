/**
 * Goal: no mutated image is taken for whole, and none begins a restore that it cannot end; a cut
 * image is refused at every length. Method: a small part of the campaign of images
 * (test/campaigns/images.ts), seeded.
 */
import { expect, test } from "vitest";
import { seededRandom } from "../../../shared/core/random.ts";
import { openImage } from "../../../shared/image/reader.ts";
import { imageBytes, savedBytes } from "../../rig/image-fixtures.ts";
import { MUTATIONS, originalOf, outcomeOf } from "../../rig/image-mutations.ts";

const disk = new Uint8Array(160 << 10);
for (let at = 0; at < disk.length; at += 61) disk[at] = (at * at) >> 9;
const original = await originalOf(await savedBytes(disk));

test.each(Object.keys(MUTATIONS))("P1: %s: no false ok", async (kind) => {
  const random = seededRandom(kind.length);
  const outcomes = new Map<string, number>();
  for (let run = 0; run < 20; run += 1) {
    const mutant = MUTATIONS[kind]?.(original.image, random) ?? original.image;
    const outcome = await outcomeOf(mutant, original);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect(outcomes.get("the same image, restored right") ?? 0).toBeLessThan(20);
});

test("an image cut at any of its last lengths is refused", () => {
  const { image } = original;
  for (let length = image.byteLength - 5000; length < image.byteLength; length += 1) {
    expect(() => openImage(imageBytes(image.subarray(0, length)))).toThrow(/^Cannot read image/);
  }
});
