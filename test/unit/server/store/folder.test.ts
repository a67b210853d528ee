/**
 * Goal: a folder is a store that loses nothing. Method: the contract, then what only files can
 * suffer.
 */
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
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
