/**
 * Goal: no image, however odd or long its manifest, makes the server stand still or hides another
 * image. Method: real files listed; what the main thread parses is measured, not timed.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { imagePathIn } from "../../../../server/store/image-file-name.ts";
import { openFolderStore } from "../../../../server/store/folder-store.io.ts";
import { ImageList } from "../../../../shared/control/operator-api.ts";
import { savedBytes } from "../../../rig/image-fixtures.ts";
import { type ImageParts, putTogether, takeApart } from "../../../rig/image-surgery.ts";

const root = mkdtempSync(path.join(tmpdir(), "huck-main-"));
const small = await savedBytes(new Uint8Array(160 << 10).fill(3));
let made = 0;

afterAll(() => {
  rmSync(root, { recursive: true });
});

/** A store with a whole image and one whose parts were changed. */
async function namesBeside(change: (parts: ImageParts) => void): Promise<string> {
  made += 1;
  const folder = path.join(root, `store-${made}`);
  const store = openFolderStore(folder);
  const parts = takeApart(small);
  change(parts);
  writeFileSync(imagePathIn(folder, "odd"), putTogether(parts));
  writeFileSync(imagePathIn(folder, "whole"), small);
  const listing = await store.list();
  await store.close();
  const { images, torn } = ImageList.parse(listing); // as a client of the server reads it
  return [...images.map(({ name }) => name), ...torn.map((name) => `${name} torn`)].join(", ");
}

test.each([
  "2026-01-01T00:00:00Z",
  "2026-01-01T00:00:00.123456789Z",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999Z",
  "2024-02-29T23:59:59Z",
])("list() shows an image that was saved at %s, and the others", async (at) => {
  const set = (parts: ImageParts): void => {
    parts.manifest.saved.at = at;
  };
  expect(await namesBeside(set)).toBe("odd, whole");
});

test.each([
  "2026-02-30T00:00:00Z",
  "yesterday",
  "+010000-01-01T00:00:00Z",
  "",
  "2026-01-01T00:00Z",
])("list() says that an image saved at %j is damaged, and shows the others", async (at) => {
  const set = (parts: ImageParts): void => {
    parts.manifest.saved.at = at;
  };
  expect(await namesBeside(set)).toBe("whole, odd torn");
});

test("list() shows the others beside a manifest of 8 MB", async () => {
  const wide = (parts: ImageParts): void => {
    const later = Array.from({ length: 4_000_000 }, () => 1);
    parts.manifestBytes = new TextEncoder().encode(JSON.stringify({ ...parts.manifest, later }));
  };
  const long = (parts: ImageParts): void => {
    const later = "x".repeat(7 << 20);
    const stats = { chunks: parts.chunks.length, rawBytes: 163_840, storedBytes: 1 };
    const text = JSON.stringify({ ...parts.manifest, stats, later });
    parts.manifestBytes = new TextEncoder().encode(text);
  };
  expect(await namesBeside(wide)).toBe("whole, odd torn");
  expect(await namesBeside(long)).toBe("odd, whole");
});

test("list() parses a long manifest in another thread", async () => {
  const parse = JSON.parse;
  let longest = 0;
  JSON.parse = (text: string, ...more: []): unknown => {
    longest = Math.max(longest, text.length);
    return parse(text, ...more) as unknown;
  };
  try {
    const later = "x".repeat(1 << 20);
    const names = await namesBeside((parts) => {
      const text = JSON.stringify({ ...parts.manifest, later });
      parts.manifestBytes = new TextEncoder().encode(text);
    });
    expect(names).toBe("odd, whole");
  } finally {
    JSON.parse = parse;
  }
  expect(longest).toBeLessThan(64 << 10);
});
