/**
 * Goal: a folder is a store that loses nothing. Method: the contract, then what only files can
 * suffer.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { openFolderStore } from "../../../../server/store/folder-store.io.ts";
import { openImageAt } from "../../../../server/store/open-images.io.ts";
import { FormatError } from "../../../../shared/core/errors.ts";
import { encodeFooter, encodeHeader } from "../../../../shared/image/header.ts";
import { gptDisk, savedBytes } from "../../../rig/image-fixtures.ts";
import { testImageStore } from "../../shared/image/store-contract.ts";

const root = mkdtempSync(join(tmpdir(), "huck-store-"));
let count = 0;
let folder = "";

function freshFolder(): string {
  count += 1;
  folder = join(root, `store-${count}`);
  return folder;
}

afterAll(() => {
  rmSync(root, { recursive: true });
});

testImageStore("FolderStore", () => openFolderStore(freshFolder()));

describe("FolderStore", () => {
  const whole = savedBytes(gptDisk());

  beforeEach(() => {
    freshFolder();
  });

  test("leaves no draft behind after commit() or abort()", async () => {
    const store = openFolderStore(folder);
    for (const end of ["commit", "abort"] as const) {
      const draft = await store.draft(end);
      await draft.append(await whole);
      await draft[end]();
    }
    expect(readdirSync(folder)).toEqual(["commit.huck"]);
  });

  test("a draft left by a killed program is removed at once, one in use stays", async () => {
    const drafts = openFolderStore(folder);
    await (await drafts.draft("new")).append(await whole);
    const [used = ""] = readdirSync(folder);
    const left = used.replace(/[0-9a-f]{16}/, "0123456789abcdef");
    writeFileSync(join(folder, left), "half an image");
    openFolderStore(folder);
    expect(readdirSync(folder)).toEqual([used]);
  });

  test("lists a torn or damaged file apart and does not open it", async () => {
    const store = openFolderStore(folder);
    for (const name of ["good", "torn"]) {
      const draft = await store.draft(name);
      await draft.append(await whole);
      await draft.commit();
    }
    truncateSync(join(folder, "torn.huck"), 20_000);
    writeFileSync(join(folder, "text.huck"), "not an image at all".repeat(1000));
    writeFileSync(join(folder, "README"), "passed over");
    const { images, torn } = await store.list();
    expect(images.map(({ name }) => name)).toEqual(["good"]);
    expect(torn).toEqual(["text", "torn"]);
    await expect(store.open({ name: "torn" })).rejects.toThrow(/no footer at its end/);
    expect(await store.has("torn")).toBe(true);
    await expect(store.draft("torn")).rejects.toThrow(/the name is taken/);
  });

  test("lists what cannot be opened apart, whatever it is", async () => {
    const store = openFolderStore(folder);
    const draft = await store.draft("good");
    await draft.append(await whole);
    await draft.commit();
    mkdirSync(join(folder, "a-folder.huck"));
    symlinkSync("a-loop.huck", join(folder, "a-loop.huck"));
    execFileSync("mkfifo", [join(folder, "a-pipe.huck")]);
    symlinkSync("nowhere", join(folder, "gone.huck"));
    const { images, torn } = await store.list();
    expect(images.map(({ name }) => name)).toEqual(["good"]);
    expect(torn).toEqual(["a-folder", "a-loop", "a-pipe"]);
  });

  test("reads little of a sparse file that claims a table of 1 GiB", async () => {
    const store = openFolderStore(folder);
    const path = join(folder, "huge.huck");
    const fileBytes = 2 ** 31;
    const uuid = new Uint8Array(16);
    const place = (offset: number, storedBytes: number) => ({
      ...{ offset, storedBytes, digest: new Uint8Array(32) },
    });
    const table = place(4096, 2 ** 30);
    const footer = {
      uuid,
      fileBytes,
      chunkCount: 2 ** 16,
      table,
      manifest: place(2 ** 30 + 8192, 9),
    };
    const fd = openSync(path, "w");
    writeSync(fd, encodeHeader({ uuid, createdMs: 0 }));
    const end = encodeFooter({ ...footer, imageId: new Uint8Array(32) });
    writeSync(fd, end, 0, end.byteLength, fileBytes - end.byteLength);
    closeSync(fd);
    await expect(store.open({ name: "huge" })).rejects.toThrow(FormatError);
    expect(await store.list()).toEqual({ images: [], torn: ["huge"] });
  });

  test("prove() names the chunk that was damaged on the disk", async () => {
    const store = openFolderStore(folder);
    const draft = await store.draft("one");
    await draft.append(await whole);
    await draft.commit();
    const file = join(folder, "one.huck");
    const image = await openImageAt(file);
    const chunk = image.index.table.count - 1;
    const { offset, length } = image.index.table.recordRange(chunk);
    image.close();
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(offset + length - 1) ^ 1, offset + length - 1);
    writeFileSync(file, bytes);
    await expect(store.prove({ name: "one" })).rejects.toThrow(`Cannot use chunk ${chunk}`);
  });

  test("D13: prove() tells a whole image from a damaged copy of it", async () => {
    const store = openFolderStore(folder);
    const bad = (await whole).slice();
    bad[5000] = (bad[5000] ?? 0) ^ 1;
    writeFileSync(join(folder, "good.huck"), await whole);
    writeFileSync(join(folder, "bad.huck"), bad);
    for (const name of ["good", "bad", "good"]) {
      const image = await store.open({ name });
      const proof = store.prove({ name, id: image.summary.id, file: image.file });
      if (name === "good") await proof;
      else await expect(proof).rejects.toThrow(/stored bytes are damaged/);
      image.close();
    }
  });

  test("keeps what was trashed, and lists it again once it is moved back", async () => {
    const store = openFolderStore(folder);
    const draft = await store.draft("one");
    await draft.append(await whole);
    await draft.commit();
    await store.trash("one");
    const [kept = ""] = readdirSync(join(folder, ".trash"));
    const image = await openImageAt(join(folder, ".trash", kept));
    expect(image.summary.fileBytes).toBe((await whole).byteLength);
    image.close();
    expect((await store.list()).images).toEqual([]);
    renameSync(join(folder, ".trash", kept), join(folder, "back.huck"));
    expect((await store.list()).images.map(({ name }) => name)).toEqual(["back"]);
    await store.close();
  });

  test("O5: says what is wrong with a store that is a file, lies in one, or loops", () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "file"), "");
    symlinkSync("loop", join(folder, "loop"));
    for (const name of ["file", "file/store", "loop"]) {
      expect(() => openFolderStore(join(folder, name))).toThrow(
        expect.objectContaining({
          code: "bad_store",
          message: expect.stringMatching(/^Cannot use ".*" as image store: it/) as string,
          cure: expect.stringContaining("store:") as string,
        }),
      );
    }
  });
});
