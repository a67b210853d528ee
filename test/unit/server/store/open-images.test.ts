/**
 * Goal: an index is proven once for a file and only for that file; descriptors are bounded, never
 * closed under a reader and never left open. Method: real files; /proc/self/fd is counted.
 */
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { imagePathIn } from "../../../../server/store/image-file-name.ts";
import { openPlaces } from "../../../../server/store/image-file.io.ts";
import { openImageAt, OpenImages } from "../../../../server/store/open-images.io.ts";
import { recordRunsOf } from "../../../../server/store/record-runs.ts";
import { openImage } from "../../../../shared/image/reader.ts";
import { imageBytes } from "../../../rig/image-fixtures.ts";
import { putTogether, takeApart } from "../../../rig/image-surgery.ts";
import type { OpenedImage } from "../../../../shared/image/store.ts";
import { makeImages, writeLongImage } from "../../../rig/image-store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "huck-open-"));
const at = (name: string): string => imagePathIn(folder, name);
/** More chunks than are proven in the calling thread. */
const LONG = 2000;
const NO_BOUND = { files: 100, tableBytes: 2 ** 30 };

beforeAll(async () => {
  await makeImages(folder, 4, 10);
  await writeLongImage(at("long"), LONG);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Image files that this process has open. */
function openCount(): number {
  return readdirSync("/proc/self/fd").length;
}

test.each(["many-000", "long"])(
  "open() of %s gives the index that openImage() gives",
  async (name) => {
    const image = await openImageAt(at(name));
    image.close();
    const { table, ...outline } = openImage(imageBytes(readFileSync(at(name))));
    const { table: found, ...rest } = image.index;
    expect(Buffer.compare(found.bytes, table.bytes)).toBe(0);
    expect(found.count).toBe(table.count);
    expect(Buffer.from(rest.imageId).equals(outline.imageId)).toBe(true);
    expect(rest.manifest).toEqual(outline.manifest);
    const { offsets, lengths } = image.places;
    expect({ offsets, lengths }).toEqual(recordRunsOf(table));
  },
);

test.each(["many-001", "long"])(
  "open() of %s refuses a damaged table, every time",
  async (name) => {
    const bytes = readFileSync(at(name));
    const { footer } = openImage(imageBytes(bytes));
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(footer.table.offset + 300) ^ 1, footer.table.offset + 300);
    writeFileSync(at("damaged"), damaged);
    const images = new OpenImages(NO_BOUND);
    const before = openCount();
    const tries = Array.from({ length: 3 }, () => images.open(at("damaged"), { name: "damaged" }));
    for (const result of await Promise.allSettled(tries)) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "bad_digest" } });
    }
    await expect(images.open(at("damaged"), { name: "damaged" })).rejects.toThrow(/chunk table/);
    expect(openCount()).toBe(before);
  },
);

test("OpenImages keeps the files used last, within its bounds, and whatever is held", async () => {
  const before = openCount();
  const images = new OpenImages({ files: 2, tableBytes: 2 ** 30 });
  const open = (number: number) =>
    images.open(at(`many-00${number}`), { name: `many-00${number}` });
  const held = [await open(0), await open(1), await open(2)];
  expect(openCount()).toBe(before + 3);
  for (const image of held.slice(1)) image.close();
  expect(openCount()).toBe(before + 2);
  const again = await open(0);
  expect(again.index).toBe(held[0]?.index);
  again.close();
  held[0]?.close();
  const last = await open(2);
  expect(last.index).toBe(held[2]?.index);
  last.close();
  images.close();
  expect(openCount()).toBe(before);
});

test("OpenImages lets go of long tables first when they are too many bytes", async () => {
  const before = openCount();
  const images = new OpenImages({ files: 100, tableBytes: 10_000 });
  (await images.open(at("long"), { name: "long" })).close();
  expect(openCount()).toBe(before);
  (await images.open(at("many-000"), { name: "many-000" })).close();
  expect(openCount()).toBe(before + 1);
  images.close();
});

test("a tail is read to its end though its image is closed and least recent", async () => {
  await writeLongImage(at("wide"), LONG, { extents: 100 });
  const before = openCount();
  const images = new OpenImages({ files: 1, tableBytes: 0 });
  const wide = await images.open(at("wide"), { name: "wide" });
  const { bytes, length } = wide.tail();
  wide.close();
  const read: Uint8Array[] = [];
  const first = await bytes.next();
  if (first.done !== true) read.push(first.value);
  // They would get the number of a descriptor that was closed too early.
  const others: OpenedImage[] = [];
  for (const name of ["many-000", "many-001", "many-002", "long"]) {
    others.push(await images.open(at(name), { name }));
  }
  for await (const piece of bytes) read.push(piece);
  expect(read.length).toBeGreaterThan(2);
  const { fileBytes } = wide.summary;
  expect(length).toBe(Buffer.concat(read).byteLength);
  const end = readFileSync(at("wide")).subarray(fileBytes - length);
  expect(Buffer.concat(read).equals(end)).toBe(true);
  for (const image of others) image.close();
  expect(openCount()).toBe(before);
});

test("a file that was written to is another file: its index is proven anew", async () => {
  const images = new OpenImages(NO_BOUND);
  const name = "many-003";
  const first = await images.open(at(name), { name });
  appendFileSync(at(name), "x");
  await expect(images.open(at(name), { name })).rejects.toThrow(/no footer at its end/);
  await expect(images.open(at(name), { name, file: first.file })).rejects.toMatchObject({
    code: "torn",
  });
  expect(() => openPlaces(first.places)).toThrow(/another file has taken its place/);
  first.close();
  images.close();
});

test("files of one id that differ in UUID, codec or trailer are three files", async () => {
  const parts = takeApart(readFileSync(at("many-000")));
  const raw = structuredClone(parts);
  for (const chunk of raw.chunks) {
    chunk.stored = new Uint8Array(chunk.rawBytes);
    chunk.codec = 0;
  }
  const files = {
    uuid: { ...parts, uuid: new Uint8Array(16).fill(9) },
    codec: raw,
    trailer: { ...parts, trailer: new Uint8Array(64) },
  };
  const images = new OpenImages(NO_BOUND);
  const opened: OpenedImage[] = [];
  for (const [name, one] of Object.entries(files)) {
    writeFileSync(at(name), putTogether(one));
    opened.push(await images.open(at(name), { name }));
  }
  expect(new Set(opened.map(({ summary }) => summary.id)).size).toBe(1);
  expect(new Set(opened.map(({ file }) => file)).size).toBe(3);
  for (const image of opened) {
    const bytes = readFileSync(at(image.summary.name));
    for (const chunk of [0, 9]) {
      const { offset, length } = image.index.table.recordRange(chunk);
      const found = await image.record(chunk);
      expect(Buffer.compare(found, bytes.subarray(offset, offset + length))).toBe(0);
    }
    const { name } = image.summary;
    const again = await images.open(at(name), { name, file: image.file });
    expect(again.file).toBe(image.file);
    again.close();
  }
  for (const image of opened) image.close();
  images.close();
});

test("openPlaces() reads the whole file of an opened image", async () => {
  const { places, ...image } = await openImageAt(at("many-000"));
  image.close();
  const file = openPlaces(places);
  const whole = Buffer.alloc(file.fileBytes);
  file.read(0, whole);
  expect(whole.equals(readFileSync(at("many-000")))).toBe(true);
  expect(() => {
    file.read(file.fileBytes - 4, new Uint8Array(8));
  }).toThrow(/it ends at/);
  file.close();
});
