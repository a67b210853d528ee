/**
 * Goal: a folder is a store that loses nothing. Method: the contract, then what only files can
 * suffer.
 */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { openFolderStore, openImageFile } from "../../../../server/store/folder.ts";
import { gptDisk, savedBytes } from "../../shared/image/fixtures.ts";
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

  test("a draft left by a crash is removed after a day, one in use stays", async () => {
    const drafts = openFolderStore(folder);
    for (const name of ["old", "new"]) await (await drafts.draft(name)).append(await whole);
    const [first = ""] = readdirSync(folder);
    const dayAgo = Date.now() / 1000 - 25 * 3600;
    utimesSync(join(folder, first), dayAgo, dayAgo);
    openFolderStore(folder);
    const left = readdirSync(folder);
    expect(left).toHaveLength(1);
    expect(left).not.toContain(first);
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
    const { images, torn } = store.list();
    expect(images.map(({ name }) => name)).toEqual(["good"]);
    expect(torn).toEqual(["text", "torn"]);
    expect(() => store.open("torn")).toThrow(/no footer at its end/);
  });

  test("prove() names the chunk that was damaged on the disk", async () => {
    const store = openFolderStore(folder);
    const draft = await store.draft("one");
    await draft.append(await whole);
    await draft.commit();
    const file = join(folder, "one.huck");
    const image = openImageFile(file);
    const chunk = image.index.table.count - 1;
    const { offset, length } = image.index.table.recordRange(chunk);
    image.close();
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(offset + length - 1) ^ 1, offset + length - 1);
    writeFileSync(file, bytes);
    await expect(store.prove("one")).rejects.toThrow(`Cannot use chunk ${chunk}`);
  });

  test("keeps what was trashed", async () => {
    const store = openFolderStore(folder);
    const draft = await store.draft("one");
    await draft.append(await whole);
    await draft.commit();
    await store.trash("one");
    const [kept = ""] = readdirSync(join(folder, ".trash"));
    const file = openImageFile(join(folder, ".trash", kept));
    expect(file.fileBytes).toBe((await whole).byteLength);
    file.close();
  });
});
