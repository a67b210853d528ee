/** Goal: a listing shows what footer and manifest say, in one form. Method: images in memory. */
import { expect, test } from "vitest";
import { toHex } from "../../../../shared/core/digest.ts";
import { summaryOf } from "../../../../shared/image/summary.ts";
import { gptDisk, MIB, saved } from "../../../rig/image-fixtures.ts";

test("summaryOf() tells what a listing shows", async () => {
  const { index, bytes } = await saved(gptDisk());
  expect(summaryOf("one", index)).toEqual({
    name: "one",
    id: toHex(index.imageId),
    fileBytes: bytes.byteLength,
    diskBytes: 8 * MIB,
    usedBytes: index.manifest.stats.rawBytes,
    createdAt: "1970-01-01T00:00:00.000Z",
  });
});

test.each([
  ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"],
  ["2026-01-02T03:04:05.123456Z", "2026-01-02T03:04:05.123Z"],
])("summaryOf() writes the time %s with milliseconds", async (at, written) => {
  const { index } = await saved(gptDisk());
  const { manifest, footer } = index;
  const other = { ...manifest, saved: { ...manifest.saved, at } };
  expect(summaryOf("one", { footer, manifest: other }).createdAt).toBe(written);
});

test("summaryOf() refuses a time that is none", async () => {
  const { index } = await saved(gptDisk());
  const { manifest, footer } = index;
  const other = { ...manifest, saved: { ...manifest.saved, at: "yesterday" } };
  expect(() => summaryOf("one", { footer, manifest: other })).toThrow(/it was saved at/);
});
