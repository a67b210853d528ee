/**
 * Goal: nodes get pieces of the very image their order names, and nothing else. Method: a real
 * store.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { decodeRecordHeader } from "../../../../shared/image/record.ts";
import { openImageTail } from "../../../../shared/image/reader.ts";
import { ImageParts } from "../../../../server/store/image-parts.ts";
import { openFolderStore } from "../../../../server/store/folder-store.io.ts";
import { dropFolders, freshFolder, storeImage } from "../../../rig/lab-kit.ts";

afterAll(dropFolders);

test("ImageParts gives a tail that a receiver can open, and records that are whole", async () => {
  const folder = freshFolder();
  const id = await storeImage(folder, "ubuntu");
  const parts = new ImageParts(openFolderStore(path.join(folder, "images")));
  const name = { name: "ubuntu", id };
  const { bytes, length } = parts.manifest(name);
  const tail = Buffer.concat([...bytes]);
  expect(tail.byteLength).toBe(length);
  const file = readFileSync(path.join(folder, "images/ubuntu.huck"));
  expect(file.subarray(-length).equals(tail)).toBe(true);
  expect(openImageTail(tail).table.count).toBe(3);
  expect(decodeRecordHeader(parts.chunk(name, 2)).index).toBe(2);
  expect(() => parts.chunk(name, 3)).toThrow(expect.objectContaining({ code: "no_such_chunk" }));
  parts.close();
});

test("ImageParts refuses a name that stands for another image than the order's", async () => {
  const folder = freshFolder();
  await storeImage(folder, "ubuntu");
  const parts = new ImageParts(openFolderStore(path.join(folder, "images")));
  const other = { name: "ubuntu", id: "f".repeat(64) };
  expect(() => parts.manifest(other)).toThrow(expect.objectContaining({ code: "no_such_image" }));
  expect(() => parts.places({ name: "none", id: other.id })).toThrow(
    expect.objectContaining({ code: "no_such_image" }),
  );
});

test("ImageParts serves an image that is trashed while it is open", async () => {
  const folder = freshFolder();
  const id = await storeImage(folder, "ubuntu");
  const store = openFolderStore(path.join(folder, "images"));
  const parts = new ImageParts(store);
  parts.places({ name: "ubuntu", id });
  await store.trash("ubuntu");
  expect(parts.chunk({ name: "ubuntu", id }, 0).byteLength).toBeGreaterThan(0);
});
