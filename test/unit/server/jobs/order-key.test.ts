/**
 * Goal: the order key is made once, is private, and is refused when it is not. Method: real files,
 * and real processes that start at the same moment.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
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

test("openOrderKey() gives one and the same key to processes that start at once", async () => {
  const folder = freshFolder();
  const program = path.join(folder, "open.mjs");
  writeFileSync(program, OPENER);
  const openers = Array.from({ length: OPENERS }, () => {
    return fork(program, [KEY_MODULE], { execArgv: ["--no-warnings"] });
  });
  try {
    await Promise.all(openers.map((opener) => once(opener, "message")));
    for (let round = 0; round < ROUNDS; round += 1) {
      const state = path.join(folder, `state${round}`);
      const at = Date.now() + 20;
      const answers = openers.map(async (opener) => {
        opener.send({ state, at });
        return String((await once(opener, "message"))[0]);
      });
      const keys = new Set(await Promise.all(answers));
      expect(keys).toEqual(new Set([openOrderKey(state).publicHex]));
      expect(readdirSync(state)).toEqual(["order-key.pem"]);
    }
  } finally {
    for (const opener of openers) opener.disconnect();
  }
});

test.each([true, false])(
  "openOrderKey() removes what a killed maker left; key made: %s",
  (made) => {
    const folder = path.join(freshFolder(), "state");
    mkdirSync(folder);
    if (made) openOrderKey(folder);
    writeFileSync(path.join(folder, "order-key.pem.0123456789abcdef.partial"), "-----BEGIN");
    writeFileSync(path.join(folder, "order-key.pem.mine"), "kept");
    openOrderKey(folder);
    expect(readdirSync(folder)).toEqual(["order-key.pem", "order-key.pem.mine"]);
  },
);

const KEY_MODULE = path.resolve(import.meta.dirname, "../../../../server/jobs/order-key.io.ts");
/** Opens the key of each folder that it is told, at the moment that it is told. */
const OPENER = `
const { openOrderKey } = await import(process.argv[2]);
process.on("message", ({ state, at }) => {
  while (Date.now() < at);
  try {
    process.send(openOrderKey(state).publicHex);
  } catch (error) {
    process.send(String(error));
  }
});
process.send("ready");
`;
const OPENERS = 5;
/** Before the key was made in one step, most of three rounds failed. */
const ROUNDS = 8;
