/**
 * Goal: the order key is made once, is private, and is refused when it is not. Method: real files.
 */
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { openOrderKey } from "../../../../server/jobs/order-key.io.ts";
import { fillDisk, freeDisk } from "../../../rig/full-disk.ts";
import { dropFolders, freshFolder } from "../../../rig/lab-kit.ts";

afterEach(freeDisk);
afterAll(dropFolders);

test("openOrderKey() makes a private key once and gives the same one ever after", () => {
  const folder = path.join(freshFolder(), "state");
  const first = openOrderKey(folder);
  expect(first.fresh).toBe(true);
  expect(first.publicHex).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(path.join(folder, "order-key.pem")).mode & 0o777).toBe(0o600);
  expect(openOrderKey(folder)).toMatchObject({ fresh: false, publicHex: first.publicHex });
});

test("openOrderKey() refuses a key that others may read, and one that is none", () => {
  const folder = freshFolder();
  openOrderKey(folder);
  const file = path.join(folder, "order-key.pem");
  const before = readFileSync(file);
  chmodSync(file, 0o640);
  expect(() => openOrderKey(folder)).toThrow(expect.objectContaining({ code: "key_exposed" }));
  chmodSync(file, 0o600);
  writeFileSync(file, before.subarray(0, 40));
  expect(() => openOrderKey(folder)).toThrow(expect.objectContaining({ code: "key_damaged" }));
});

test("openOrderKey() leaves no half key on a full disk, and needs no room for an old one", () => {
  const folder = freshFolder();
  fillDisk();
  expect(() => openOrderKey(folder)).toThrow(
    expect.objectContaining({ code: "state_unwritable", exitCode: 4 }),
  );
  expect(existsSync(path.join(folder, "order-key.pem"))).toBe(false);
  freeDisk();
  const { publicHex } = openOrderKey(folder);
  fillDisk();
  expect(openOrderKey(folder)).toMatchObject({ fresh: false, publicHex });
});
