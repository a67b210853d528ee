/**
 * Goal: an image is never restored over itself or over what it stands on, whatever the names; and
 * nothing else is refused. Method: real files with several names, real loop devices where the
 * system has them, and a made-up sysfs for stacks that it has not.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { tieBetween } from "../../../../../server/cli/local/storage-beneath.io.ts";

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "huck-beneath-")));
const at = (name: string): string => path.join(folder, name);
const run = (command: string, ...words: string[]): string =>
  execFileSync(command, words, { encoding: "utf8" }).trim();
const undo: (() => void)[] = [];

writeFileSync(at("image.huck"), new Uint8Array(4 << 20));
const loops = canLoop();

afterAll(() => {
  for (const step of undo.toReversed()) step();
  rmSync(folder, { recursive: true });
});

function canLoop(): boolean {
  try {
    run("losetup", "--detach", run("losetup", "--find", "--show", at("image.huck")));
    return true;
  } catch {
    return false;
  }
}

function attach(file: string, ...words: string[]): string {
  const device = run("losetup", "--find", "--show", ...words, file);
  undo.push(() => run("losetup", "--detach", device));
  return device;
}

test("tieBetween() finds the image under every name that it has", () => {
  symlinkSync("image.huck", at("link"));
  linkSync(at("image.huck"), at("second"));
  for (const name of ["image.huck", "link", "second"]) {
    expect(tieBetween(at(name), at("image.huck")), name).toBe("it is the image itself");
    expect(tieBetween(at("image.huck"), at(name)), name).toBe("it is the image itself");
  }
});

test("tieBetween() has nothing against a copy, or another file beside the image", () => {
  copyFileSync(at("image.huck"), at("copy"));
  expect(tieBetween(at("copy"), at("image.huck"))).toBe(undefined);
});

describe.runIf(loops)("with loop devices, tieBetween()", () => {
  test("finds the image behind a loop device, and a loop device over that", () => {
    const one = attach(at("image.huck"));
    const two = attach(one);
    for (const device of [one, two]) {
      expect(tieBetween(device, at("image.huck"))).toBe("it stands for the image itself");
    }
  });

  test("finds the file and the devices under a mounted store, read-only or not", () => {
    run("mke2fs", "-q", "-F", at("disk"), "16M");
    const device = attach(at("disk"));
    mkdirSync(at("store"));
    run("mount", device, at("store"));
    undo.push(() => run("umount", at("store")));
    copyFileSync(at("image.huck"), at("store/image.huck"));
    run("mount", "-o", "remount,ro", at("store"));
    linkSync(at("disk"), at("disk-too"));
    const other = attach(at("disk-too"), "--read-only");
    for (const target of [at("disk"), at("disk-too"), device, other]) {
      expect(tieBetween(target, at("store/image.huck")), target).toBe("the image lies on it");
    }
    symlinkSync(at("image.huck"), at("elsewhere"));
    expect(tieBetween(device, at("elsewhere"))).toBe(undefined);
    expect(tieBetween(at("image.huck"), at("store/image.huck"))).toBe(undefined);
  });
});

/** A sysfs in which the device that holds our folder is what `devices` say. */
function sysfs(devices: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const root = mkdtempSync(at("sys-"));
  for (const [number, files] of Object.entries(devices)) {
    for (const [name, text] of Object.entries({ dev: number, ...files })) {
      const file = path.join(root, "dev/block", number, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
  return root;
}

function procfs(number: string): string {
  const root = mkdtempSync(at("proc-"));
  mkdirSync(path.join(root, "self"));
  writeFileSync(path.join(root, "self/mountinfo"), `1 0 ${number} / / rw - ext4 /dev/nothing rw\n`);
  return root;
}

test("tieBetween() goes down a logical volume over two disks, one of them a file", () => {
  const backing = at("copy");
  const sys = sysfs({
    "253:0": { "slaves/a/dev": "8:1", "slaves/b/dev": "7:9" },
    "8:1": {},
    "7:9": { "loop/backing_file": `${backing}\n` },
  });
  const folders = { sys, proc: procfs("253:0") };
  expect(tieBetween(backing, at("image.huck"), folders)).toBe("the image lies on it");
  expect(tieBetween(at("disk-of-nobody"), at("image.huck"), folders)).toBe(undefined);
});

writeFileSync(at("disk-of-nobody"), new Uint8Array(4096));

test.runIf(loops)("tieBetween() does not refuse a volume for another one on the same disk", () => {
  const device = attach(at("disk-of-nobody"));
  const { rdev } = statSync(device);
  const number = `${(rdev >> 8) & 0xfff}:${rdev & 0xff}`;
  const disk = { "8:0": {} };
  const image = { "253:0": { "slaves/a/dev": "8:0" } };
  const target = { [number]: { "slaves/a/dev": "8:0" } };
  const folders = { sys: sysfs({ ...disk, ...image, ...target }), proc: procfs("253:0") };
  expect(tieBetween(device, at("image.huck"), folders)).toBe(undefined);
});

test("the image that was looked at is as it was", () => {
  expect(readFileSync(at("image.huck")).every((byte) => byte === 0)).toBe(true);
});
