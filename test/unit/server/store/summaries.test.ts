/**
 * Goal: a file is read once for its summary, and nothing that was remembered is believed of another
 * file. Method: real folders; the reads are counted.
 */
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { openFolderStore } from "../../../../server/store/folder-store.io.ts";
import { imagePathIn } from "../../../../server/store/image-file-name.ts";
import { Summaries } from "../../../../server/store/summaries.io.ts";
import { makeImages } from "../../../rig/image-store.ts";

const IMAGES = 6;
const root = mkdtempSync(path.join(tmpdir(), "huck-summaries-"));
let folder = "";
let names: string[] = [];
let memo = "";
let made = 0;

afterAll(() => {
  rmSync(root, { recursive: true });
});

beforeEach(async () => {
  made += 1;
  folder = path.join(root, `store-${made}`);
  names = await makeImages(folder, IMAGES, 300);
  memo = path.join(folder, ".summaries.json");
});

/** Looks at every image; gives what each one is. */
async function lookAtAll(summaries: Summaries): Promise<string[]> {
  const looks = await Promise.all(
    names.map((name) => summaries.look(name, imagePathIn(folder, name))),
  );
  const files = looks.flatMap((look) =>
    "fileIdentity" in look && look.fileIdentity !== undefined ? [look.fileIdentity] : [],
  );
  summaries.keepOnly(new Set(files));
  await summaries.settle();
  return looks.map(({ kind }) => kind);
}

const ALL = Array.from({ length: IMAGES }, () => "image");

test("look() reads each file once, also when it is asked twice at a time", async () => {
  const summaries = new Summaries(undefined);
  await Promise.all([lookAtAll(summaries), lookAtAll(summaries)]);
  expect(summaries.reads).toBe(IMAGES);
  expect(await lookAtAll(summaries)).toEqual(ALL);
  expect(summaries.reads).toBe(IMAGES);
});

test("look() reads a changed file again and no other one, and remembers a torn one", async () => {
  const summaries = new Summaries(undefined);
  await lookAtAll(summaries);
  truncateSync(imagePathIn(folder, "many-002"), 9000);
  for (let round = 0; round < 2; round += 1) {
    expect(await lookAtAll(summaries)).toEqual(ALL.with(2, "torn"));
    expect(summaries.reads).toBe(IMAGES + 1);
  }
});

test("look() reads nothing of a file that only changed its name", async () => {
  const summaries = new Summaries(undefined);
  await lookAtAll(summaries);
  renameSync(imagePathIn(folder, "many-000"), imagePathIn(folder, "other"));
  const look = await summaries.look("other", imagePathIn(folder, "other"));
  expect(look).toMatchObject({ kind: "image", summary: { name: "other" } });
  expect(await summaries.look("many-000", imagePathIn(folder, "many-000"))).toEqual({
    kind: "gone",
  });
  expect(summaries.reads).toBe(IMAGES);
});

test("what is written down spares a restart every read, and a changed file none", async () => {
  const first = new Summaries(memo);
  await lookAtAll(first);
  const second = new Summaries(memo);
  expect(await lookAtAll(second)).toEqual(ALL);
  expect(second.reads).toBe(0);
  appendFileSync(imagePathIn(folder, "many-001"), "x");
  const third = new Summaries(memo);
  expect(await lookAtAll(third)).toEqual(ALL.with(1, "torn"));
  expect(third.reads).toBe(1);
});

test("keepOnly() forgets what is no longer there, on the disk too", async () => {
  const summaries = new Summaries(memo);
  await lookAtAll(summaries);
  expect(readFileSync(memo, "utf8").match(/"id"/g)).toHaveLength(IMAGES);
  names = names.slice(0, 2);
  await lookAtAll(summaries);
  expect(readFileSync(memo, "utf8").match(/"id"/g)).toHaveLength(2);
});

test.each([
  ["empty", ""],
  ["cut short", '{"version":1,"files":{"1:2'],
  ["of a later version", '{"version":2,"files":{}}'],
  ["of another shape", '{"version":1,"files":{"1:2:3:4":{"id":"x"}}}'],
  ["no object", "[]"],
  ["no text", "\u0000\u0001"],
])("a file of summaries that is %s is ignored and written anew", async (_, text) => {
  writeFileSync(memo, text);
  const summaries = new Summaries(memo);
  expect(await lookAtAll(summaries)).toEqual(ALL);
  expect(summaries.reads).toBe(IMAGES);
  expect(readFileSync(memo, "utf8").match(/"id"/g)).toHaveLength(IMAGES);
});

test("a file of summaries that is too long is not read", async () => {
  writeFileSync(memo, "");
  truncateSync(memo, 2 ** 34);
  const summaries = new Summaries(memo);
  expect(await lookAtAll(summaries)).toEqual(ALL);
  expect(statSync(memo).size).toBeLessThan(10_000);
});

test("a lie in the file of summaries reaches a list at most, never a load", async () => {
  const store = openFolderStore(folder, { keepSummaries: true });
  await store.list();
  await store.close();
  const text = readFileSync(memo, "utf8");
  writeFileSync(memo, text.replaceAll(/"id":"[0-9a-f]{64}"/g, `"id":"${"f".repeat(64)}"`));
  const again = openFolderStore(folder, { keepSummaries: true });
  const [row] = (await again.list()).images;
  expect(row?.id).toBe("f".repeat(64));
  const image = await again.open({ name: "many-000" });
  expect(image.summary.id).not.toBe(row?.id);
  image.close();
  await again.close();
});

test("list() of a store that may not keep summaries leaves nothing in the folder", async () => {
  const store = openFolderStore(folder);
  expect((await store.list()).images).toHaveLength(IMAGES);
  await store.close();
  expect(statSync(memo, { throwIfNoEntry: false })).toBeUndefined();
});

test("list() shows a copy of an image as an image of its own", async () => {
  copyFileSync(imagePathIn(folder, "many-000"), imagePathIn(folder, "copy"));
  const { images } = await openFolderStore(folder).list();
  expect(images).toHaveLength(IMAGES + 1);
});
