/**
 * The contract of ImageStore, run against every implementation.
 *
 * A test file calls {@link testImageStore} with a way to make an empty store.
 */
import { copyFileSync, readFileSync, renameSync, statSync, utimesSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { fileIdentityOf } from "../../../../shared/core/file-identity.ts";
import { openRecord } from "../../../../shared/image/chunk-decoder.ts";
import { openImageTail } from "../../../../shared/image/reader.ts";
import type { ImageStore, ImageTail, OpenedImage } from "../../../../shared/image/store.ts";
import { gptDisk, savedBytes } from "../../../rig/image-fixtures.ts";

/** Takes a tail to its end. */
async function taken(tail: ImageTail): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of tail.bytes) {
    expect(piece.byteLength).toBeLessThanOrEqual(1 << 20);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Finds manifest, every record and every place of an image in one file's bytes. */
async function expectAllOf(image: OpenedImage, bytes: Uint8Array): Promise<void> {
  const whole = Buffer.from(bytes);
  const tail = await taken(image.tail());
  expect(whole.subarray(-tail.byteLength).equals(tail)).toBe(true);
  const { table } = openImageTail(tail);
  const { offsets, lengths } = image.places;
  expect([offsets.length, lengths.length]).toEqual([table.count, table.count]);
  for (let chunk = 0; chunk < table.count; chunk += 1) {
    const record = await image.record(chunk);
    openRecord(record, table.entry(chunk), chunk);
    const offset = offsets[chunk] ?? 0;
    expect(whole.subarray(offset, offset + (lengths[chunk] ?? 0)).equals(record)).toBe(true);
  }
}

/** Describes the contract's tests for one implementation. */
export function testImageStore(name: string, makeStore: () => ImageStore): void {
  describe(`${name} keeps the contract of ImageStore`, () => {
    const whole = savedBytes(gptDisk());
    const twin = savedBytes(gptDisk(), { level: 19, nowMs: 1 });
    const stores: ImageStore[] = [];

    function fresh(): ImageStore {
      const store = makeStore();
      stores.push(store);
      return store;
    }
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
    });

    async function put(store: ImageStore, image: string, bytes?: Uint8Array): Promise<void> {
      const draft = await store.draft(image);
      const all = bytes ?? (await whole);
      for (let at = 0; at < all.byteLength; at += 100_000) {
        await draft.append(all.subarray(at, at + 100_000));
      }
      await draft.commit();
    }

    test("commit() makes an image visible that reads back as it was written", async () => {
      const store = fresh();
      await put(store, "one");
      const image = await store.open({ name: "one" });
      await expectAllOf(image, await whole);
      image.close();
      image.close();
      expect(await store.list()).toEqual({ images: [image.summary], torn: [] });
      expect(image.summary.id).toMatch(/^[0-9a-f]{64}$/);
      expect(image.summary.fileBytes).toBe((await whole).byteLength);
      expect(image.index.manifest.saved.at).toBe(image.summary.createdAt);
    });

    test("places is plain data that leads to the records without the store", async () => {
      const store = fresh();
      await put(store, "one");
      const image = await store.open({ name: "one" });
      const { path, fileIdentity, offsets, lengths } = structuredClone(image.places);
      expect(fileIdentity).toBe(fileIdentityOf(statSync(path, { bigint: true })));
      const from = offsets[1] ?? 0;
      const record = readFileSync(path).subarray(from, from + (lengths[1] ?? 0));
      expect(record.equals(await image.record(1))).toBe(true);
      image.close();
    });

    test("a draft is invisible before commit() and after abort()", async () => {
      const store = fresh();
      const draft = await store.draft("one");
      await draft.append(await whole);
      expect(await store.list()).toEqual({ images: [], torn: [] });
      expect(await store.has("one")).toBe(false);
      await expect(store.open({ name: "one" })).rejects.toThrow(/there is none/);
      await draft.abort();
      await draft.abort();
      expect(await store.list()).toEqual({ images: [], torn: [] });
    });

    test("abort() does nothing after commit()", async () => {
      const store = fresh();
      const draft = await store.draft("one");
      await draft.append(await whole);
      await draft.commit();
      await draft.abort();
      expect((await store.list()).images).toHaveLength(1);
      expect(await store.has("one")).toBe(true);
    });

    test("commit() refuses what is no complete image and shows nothing", async () => {
      const store = fresh();
      const bytes = await whole;
      const flipped = new Uint8Array(bytes);
      flipped[5000] = (flipped[5000] ?? 0) ^ 1;
      for (const bad of [new Uint8Array(0), bytes.subarray(0, -1), flipped]) {
        const draft = await store.draft("bad");
        await draft.append(bad);
        await expect(draft.commit()).rejects.toThrow(/^Cannot (read|use)/);
        await draft.abort();
      }
      expect(await store.list()).toEqual({ images: [], torn: [] });
    });

    test("two files of one id are two files: each gives its own manifest and records", async () => {
      const store = fresh();
      await put(store, "one", await whole);
      await put(store, "two", await twin);
      const one = await store.open({ name: "one" });
      const two = await store.open({ name: "two" });
      expect(two.summary.id).toBe(one.summary.id);
      expect(two.file).not.toBe(one.file);
      await expectAllOf(one, await whole);
      await expectAllOf(two, await twin);
      one.close();
      two.close();
    });

    test("open() refuses a name that stands for another image or file than wanted", async () => {
      const store = fresh();
      await put(store, "one");
      await put(store, "two", await twin);
      const { summary, file, ...image } = await store.open({ name: "one" });
      image.close();
      (await store.open({ name: "one", id: summary.id, file })).close();
      const refused = [
        { name: "one", id: "f".repeat(64) },
        { name: "one", file: "another" },
        { name: "none" },
      ];
      for (const reference of refused) {
        await expect(store.open(reference)).rejects.toMatchObject({ code: "no_such_image" });
        await expect(store.prove(reference)).rejects.toMatchObject({ code: "no_such_image" });
      }
    });

    test("open() of a file finds that one while it is open, and no other one ever", async () => {
      const store = fresh();
      await put(store, "one", await whole);
      const first = await store.open({ name: "one" });
      const reference = { name: "one", id: first.summary.id, file: first.file };
      await store.trash("one");
      await put(store, "one", await twin);
      const again = await store.open(reference);
      await expectAllOf(again, await whole);
      await store.prove(reference);
      const other = await store.open({ name: "one", id: first.summary.id });
      await expectAllOf(other, await twin);
      for (const image of [first, again, other]) image.close();
      await store.close();
      await expect(store.open(reference)).rejects.toThrow(/another file has taken its place/);
      await expect(store.prove(reference)).rejects.toThrow(/another file has taken its place/);
    });

    test("a file is the same one after its times and its place have changed", async () => {
      const before = fresh();
      await put(before, "one");
      const { file, summary, places, ...image } = await before.open({ name: "one" });
      image.close();
      await before.close();
      utimesSync(places.path, 1, 1);
      renameSync(places.path, `${places.path}.copy`);
      copyFileSync(`${places.path}.copy`, places.path);
      const again = await before.open({ name: "one", id: summary.id, file });
      expect(again.places.fileIdentity).not.toBe(places.fileIdentity);
      await expectAllOf(again, await whole);
      again.close();
    });

    test("an index is parsed once for a file, however many open it", async () => {
      const store = fresh();
      await put(store, "one");
      const open = Array.from({ length: 5 }, () => store.open({ name: "one" }));
      const images = await Promise.all(open);
      expect(new Set(images.map(({ index }) => index)).size).toBe(1);
      for (const image of images) image.close();
      const { index, ...image } = await store.open({ name: "one" });
      expect(index).toBe(images[0]?.index);
      image.close();
    });

    test("a tail that is taken keeps its file open when image and store are closed", async () => {
      const store = fresh();
      await put(store, "one");
      const image = await store.open({ name: "one" });
      const slow = image.tail();
      const unread = image.tail();
      const half = image.tail();
      image.close();
      await store.close();
      const tail = await taken(slow);
      expect(tail.byteLength).toBe(slow.length);
      expect(
        Buffer.from(await whole)
          .subarray(-tail.byteLength)
          .equals(tail),
      ).toBe(true);
      await unread.bytes.return?.();
      await half.bytes.next();
      await half.bytes.return?.();
      expect(await half.bytes.next()).toMatchObject({ done: true });
    });

    test("record() refuses a chunk that the image does not have", async () => {
      const store = fresh();
      await put(store, "one");
      const image = await store.open({ name: "one" });
      for (const chunk of [-1, image.index.table.count, 0.5]) {
        await expect(image.record(chunk)).rejects.toMatchObject({ code: "no_such_chunk" });
      }
      image.close();
    });

    test("prove() reads every chunk, refuses what is not there and can be broken off", async () => {
      const store = fresh();
      await put(store, "one");
      await store.prove({ name: "one" });
      await expect(store.prove({ name: "two" })).rejects.toThrow(/there is none/);
      await expect(store.prove({ name: "one" }, AbortSignal.abort())).rejects.toMatchObject({
        code: "aborted",
      });
    });

    test("P7: no image is ever replaced, not even by a draft begun before it", async () => {
      const store = fresh();
      const late = await store.draft("one");
      await late.append(await whole);
      await put(store, "one");
      await expect(late.commit()).rejects.toThrow(/the name is taken/);
      await late.abort();
      await expect(store.draft("one")).rejects.toThrow(/the name is taken/);
      expect((await store.list()).images).toHaveLength(1);
    });

    test("trash() takes an image out of sight and frees its name", async () => {
      const store = fresh();
      await put(store, "one");
      const open = await store.open({ name: "one" });
      await store.trash("one");
      expect((await store.list()).images).toEqual([]);
      expect(await store.has("one")).toBe(false);
      await expect(store.trash("one")).rejects.toThrow(/there is none/);
      await expectAllOf(open, await whole); // whoever has it open may go on
      open.close();
      await put(store, "one");
    });

    test.each(["", ".", "..", ".hidden", "-dash", "a/b", "a b", "ä", "x".repeat(101)])(
      "refuses the name %j",
      async (bad) => {
        const store = fresh();
        await expect(store.draft(bad)).rejects.toThrow(/as image name/);
        await expect(store.open({ name: bad })).rejects.toThrow(/as image name/);
        await expect(store.prove({ name: bad })).rejects.toThrow(/as image name/);
        await expect(store.has(bad)).rejects.toThrow(/as image name/);
        await expect(store.trash(bad)).rejects.toThrow(/as image name/);
      },
    );

    test("list() is sorted by name, and the same again", async () => {
      const store = fresh();
      for (const image of ["b", "a.1", "C_c"]) await put(store, image);
      const listing = await store.list();
      expect(listing.images.map((one) => one.name)).toEqual(["C_c", "a.1", "b"]);
      expect(await store.list()).toEqual(listing);
    });
  });
}
