/**
 * Goal: only bytes of the wanted digest are used; a package that left the mirror is said so.
 * Method: real HTTP servers on loopback that serve right, wrong, too long and no content.
 */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  debianMirrors,
  fetchFromMirrors,
  fetchPinned,
  sha256Of,
} from "../../../initramfs/mirror.ts";
import { SituationError } from "../../../shared/core/errors.ts";
import type { LoopbackMirror } from "./loopback-mirror.ts";
import { startMirror } from "./loopback-mirror.ts";
import { testFolder } from "../../rig/folder.ts";

const path = "pool/main/x/x_1+2~bpo_amd64.deb";
const content = Buffer.from("a package");
const wanted = { path, sizeBytes: content.length, sha256: sha256Of(content) };

let cache: string;
const mirrors: LoopbackMirror[] = [];

async function mirror(bytes?: Uint8Array, statusOfMissing?: number): Promise<LoopbackMirror> {
  const files = new Map(bytes === undefined ? [] : [[path, bytes]]);
  const started = await startMirror(files, statusOfMissing);
  mirrors.push(started);
  return started;
}

beforeEach(() => {
  cache = testFolder();
});
afterEach(async () => {
  for (const started of mirrors.splice(0)) await started.close();
});

test("fetchPinned() fetches once, then answers from the cache", async () => {
  const { base, asked } = await mirror(content);
  for (let round = 0; round < 2; round++) {
    expect(Buffer.from(await fetchPinned(wanted, [base], cache))).toEqual(content);
  }
  expect(asked).toEqual([path]);
  expect(readdirSync(cache)).toEqual([wanted.sha256]);
});

test("fetchPinned() fetches again when the cached file was spoiled", async () => {
  const { base, asked } = await mirror(content);
  writeFileSync(join(cache, wanted.sha256), "b package");
  expect(Buffer.from(await fetchPinned(wanted, [base], cache))).toEqual(content);
  expect(asked).toHaveLength(1);
});

test("fetchPinned() refuses other content and keeps nothing", async () => {
  const { base } = await mirror(Buffer.from("b package"));
  await expect(fetchPinned(wanted, [base], cache)).rejects.toMatchObject({ code: "digest" });
  expect(readdirSync(cache)).toEqual([]);
});

test("fetchFromMirrors() asks the next mirror when one has not got it or is down", async () => {
  const [empty, down, full] = [await mirror(), await mirror(), await mirror(content)];
  await down.close();
  const bases = [empty.base, down.base, full.base];
  expect(Buffer.from(await fetchFromMirrors(path, bases, 100))).toEqual(content);
});

test("fetchFromMirrors() says that a package left the mirror, with the cure", async () => {
  const bases = [(await mirror()).base, (await mirror()).base];
  const thrown: unknown = await fetchFromMirrors(path, bases, 100).catch((error: unknown) => error);
  if (!(thrown instanceof SituationError)) throw new Error("no SituationError came");
  expect(thrown.code).toBe("left_the_mirror");
  expect(thrown.cure).toContain("UPDATE=1 make initramfs");
});

test("fetchFromMirrors() reports a fault when a mirror fails or sends too much", async () => {
  const { base } = await mirror(undefined, 503);
  await expect(fetchFromMirrors(path, [base], 100)).rejects.toMatchObject({ code: "fetch" });
  const long = await mirror(Buffer.alloc(101));
  await expect(fetchFromMirrors(path, [long.base], 100)).rejects.toThrow(/more than 100 bytes/);
});

test("debianMirrors() takes http addresses from the override, once each, with a slash", () => {
  expect(debianMirrors("http://a/debian https://b/ http://a/debian/ file:/c")).toEqual([
    "http://a/debian/",
    "https://b/",
  ]);
  expect(() => debianMirrors("cdrom:x")).toThrow(/one wanted/);
});
