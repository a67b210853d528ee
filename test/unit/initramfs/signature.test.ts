/**
 * Goal: an index is believed only with a valid signature by a trusted key, its signed part only.
 * Method: a key made by the real gpg; Debian's tool gpgv checks. Skipped where they are missing.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readInRelease } from "../../../initramfs/signature.ts";
import { fileFolder } from "../../rig/folder.ts";

const text = "Codename: test\nSHA256:\n abc 1 Packages\n";
const hasGpg = ["gpg", "gpgv"].every((name) => spawnSync(name, ["--version"]).status === 0);
const folder = fileFolder();

function gpg(args: readonly string[]): void {
  const run = spawnSync("gpg", ["--batch", "--homedir", folder, "--passphrase", "", ...args]);
  if (run.status !== 0) throw new Error(run.stderr.toString());
}

beforeAll(() => {
  if (!hasGpg) return;
  writeFileSync(join(folder, "Release"), text);
  for (const name of ["one", "two"]) {
    gpg(["--quick-gen-key", `${name}@example.org`, "ed25519", "sign", "never"]);
    gpg(["--output", join(folder, `${name}.gpg`), "--export", `${name}@example.org`]);
  }
  const output = join(folder, "InRelease");
  gpg(["-u", "one@example.org", "--output", output, "--clearsign", join(folder, "Release")]);
});
afterAll(() => {
  spawnSync("gpgconf", ["--homedir", folder, "--kill", "gpg-agent"]);
});

test.skipIf(!hasGpg)("readInRelease() gives the signed text when the key is trusted", () => {
  const signed = readFileSync(join(folder, "InRelease"));
  expect(readInRelease(signed, join(folder, "one.gpg"))).toBe(text);
  const wrapped = Buffer.concat([Buffer.from("SHA256:\n evil\n"), signed, Buffer.from("evil\n")]);
  expect(readInRelease(wrapped, join(folder, "one.gpg"))).toBe(text);
});

test.skipIf(!hasGpg)("readInRelease() refuses other keys, changed text and no signature", () => {
  const signed = readFileSync(join(folder, "InRelease"));
  const refused = (bytes: Uint8Array, key: string): void => {
    expect(() => readInRelease(bytes, join(folder, key))).toThrow(/no valid signature/);
  };
  refused(signed, "two.gpg");
  refused(Buffer.from(signed.toString().replace(" abc 1", " abd 1")), "one.gpg");
  refused(Buffer.from(text), "one.gpg");
});

test("readInRelease() takes the marked text unchecked when there is no keyring", () => {
  const head = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
  const inRelease = Buffer.from(`${head}${text}-----BEGIN PGP SIGNATURE-----\nxyz\n`);
  expect(readInRelease(inRelease, undefined)).toBe(text);
});
