/**
 * The contract of ImageStore, run against every implementation.
 *
 * A test file calls {@link testImageStore} with a way to make an empty store.
 */
import { describe, expect, test } from "vitest";
import type { ImageStore } from "../../../../shared/image/store.ts";
import { openImage } from "../../../../shared/image/reader.ts";
import { gptDisk, imageBytes, savedBytes } from "../../../rig/image-fixtures.ts";

/** Describes the contract's tests for one implementation. */
export function testImageStore(name: string, makeStore: () => ImageStore): void {
  describe(`${name} keeps the contract of ImageStore`, () => {
    const whole = savedBytes(gptDisk());

    async function put(store: ImageStore, image: string, bytes?: Uint8Array): Promise<void> {
      const draft = await store.draft(image);
      const all = bytes ?? (await whole);
      for (let at = 0; at < all.byteLength; at += 100_000) {
        await draft.append(all.subarray(at, at + 100_000));
      }
      await draft.commit();
    }

    test("commit() makes an image visible that reads back as it was written", async () => {
      const store = makeStore();
      await put(store, "one");
      const image = store.open("one");
      const bytes = new Uint8Array(image.summary.fileBytes);
      image.read(0, bytes);
      image.close();
      image.close();
      expect(Buffer.compare(bytes, await whole)).toBe(0);
      expect(store.list()).toEqual({ images: [image.summary], torn: [] });
      expect(image.summary.id).toMatch(/^[0-9a-f]{64}$/);
      expect(openImage(imageBytes(bytes)).manifest.saved.at).toBe(image.summary.createdAt);
    });

    test("a draft is invisible before commit() and after abort()", async () => {
      const store = makeStore();
      const draft = await store.draft("one");
      await draft.append(await whole);
      expect(store.list()).toEqual({ images: [], torn: [] });
      expect(() => store.open("one")).toThrow(/there is none/);
      await draft.abort();
      await draft.abort();
      expect(store.list()).toEqual({ images: [], torn: [] });
    });

    test("abort() does nothing after commit()", async () => {
      const store = makeStore();
      const draft = await store.draft("one");
      await draft.append(await whole);
      await draft.commit();
      await draft.abort();
      expect(store.list().images).toHaveLength(1);
    });

    test("commit() refuses what is no complete image and shows nothing", async () => {
      const store = makeStore();
      const bytes = await whole;
      const flipped = new Uint8Array(bytes);
      flipped[5000] = (flipped[5000] ?? 0) ^ 1;
      for (const bad of [new Uint8Array(0), bytes.subarray(0, -1), flipped]) {
        const draft = await store.draft("bad");
        await draft.append(bad);
        await expect(draft.commit()).rejects.toThrow(/^Cannot (read|use)/);
        await draft.abort();
      }
      expect(store.list()).toEqual({ images: [], torn: [] });
    });

    test("prove() reads every chunk, refuses what is not there and can be broken off", async () => {
      const store = makeStore();
      await put(store, "one");
      await store.prove("one");
      await expect(store.prove("two")).rejects.toThrow(/there is none/);
      await expect(store.prove("one", AbortSignal.abort())).rejects.toMatchObject({
        code: "aborted",
      });
    });

    test("P7: no image is ever replaced, not even by a draft begun before it", async () => {
      const store = makeStore();
      const late = await store.draft("one");
      await late.append(await whole);
      await put(store, "one");
      await expect(late.commit()).rejects.toThrow(/the name is taken/);
      await late.abort();
      await expect(store.draft("one")).rejects.toThrow(/the name is taken/);
      expect(store.list().images).toHaveLength(1);
    });

    test("trash() takes an image out of sight and frees its name", async () => {
      const store = makeStore();
      await put(store, "one");
      const open = store.open("one");
      await store.trash("one");
      expect(store.list().images).toEqual([]);
      await expect(store.trash("one")).rejects.toThrow(/there is none/);
      open.read(0, new Uint8Array(8)); // whoever has it open may go on
      open.close();
      await put(store, "one");
    });

    test("read() refuses to go beyond the end", async () => {
      const store = makeStore();
      await put(store, "one");
      const image = store.open("one");
      const end = image.summary.fileBytes;
      expect(() => {
        image.read(end - 4, new Uint8Array(8));
      }).toThrow(/Cannot read/);
      image.close();
    });

    test.each(["", ".", "..", ".hidden", "-dash", "a/b", "a b", "ä", "x".repeat(101)])(
      "refuses the name %j",
      async (bad) => {
        const store = makeStore();
        await expect(store.draft(bad)).rejects.toThrow(/as image name/);
        expect(() => store.open(bad)).toThrow(/as image name/);
        await expect(store.trash(bad)).rejects.toThrow(/as image name/);
      },
    );

    test("list() is sorted by name", async () => {
      const store = makeStore();
      for (const image of ["b", "a.1", "C_c"]) await put(store, image);
      expect(store.list().images.map((one) => one.name)).toEqual(["C_c", "a.1", "b"]);
    });
  });
}
