/**
 * Goal: files of a Debian package are read without dpkg, whatever compressor it used.
 * Method: hand-made packages; dpkg-deb's own where it is installed.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { decompress, openDeb } from "../../../initramfs/deb.ts";
import { makeAr, makeDeb, makeTar } from "./fixtures.ts";
import { testFolder } from "../../rig/folder.ts";

const hello = Buffer.from("hello");

test("PackageFiles.read() follows links inside the package, and no others", () => {
  const files = openDeb(
    makeDeb([
      { path: "./usr/lib/real.so.1", bytes: hello },
      { path: "./usr/lib/x.so", type: "2", target: "real.so.1" },
      { path: "./lib/up.so", type: "2", target: "../usr/lib/x.so" },
      { path: "./lib/abs.so", type: "2", target: "/usr/lib/x.so" },
      { path: "./lib/hard.so", type: "1", target: "./usr/lib/real.so.1" },
      { path: "./lib/loop", type: "2", target: "loop" },
      { path: "./lib/out", type: "2", target: "../../etc/passwd" },
    ]),
    "test 1",
  );
  for (const path of ["usr/lib/real.so.1", "lib/up.so", "lib/abs.so", "lib/hard.so"]) {
    expect(Buffer.from(files.read(path)).toString(), path).toBe("hello");
  }
  for (const path of ["lib/loop", "lib/out", "usr", "absent"]) {
    expect(() => files.read(path), path).toThrow(/not a file in package test 1/);
  }
  expect(files.paths()[0]).toBe("lib/abs.so");
});

for (const compressor of ["none", "gzip", "xz", "zstd"]) {
  test(`openDeb() reads what dpkg-deb -Z${compressor} wrote`, ({ skip }) => {
    const folder = testFolder();
    mkdirSync(join(folder, "DEBIAN"));
    const control = "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\n";
    writeFileSync(join(folder, "DEBIAN/control"), `${control}Description: x\n`);
    writeFileSync(join(folder, "file"), hello);
    symlinkSync("file", join(folder, "link"));
    const deb = join(folder, "x.deb");
    const run = spawnSync("dpkg-deb", [`-Z${compressor}`, "-b", folder, deb]);
    if (run.status !== 0) skip();
    expect(Buffer.from(openDeb(readFileSync(deb), "x 1").read("link"))).toEqual(hello);
  });
}

test("openDeb() refuses archives that are no packages", () => {
  expect(() => openDeb(makeAr([["a", hello]]), "x 1")).toThrow(/members "a"/);
  expect(() => openDeb(makeAr([["data.tar", makeTar([])]]), "x 1")).toThrow(/members "data.tar"/);
});

test("decompress() unpacks by the name's end, and refuses spoiled content", () => {
  const xz = spawnSync("xz", ["-c"], { input: hello }).stdout;
  const forms: Readonly<Record<string, Uint8Array>> = {
    "a.gz": gzipSync(hello),
    "a.zst": zstdCompressSync(hello),
    "a.ko.xz": xz,
    "a.ko": hello,
  };
  for (const [name, bytes] of Object.entries(forms)) {
    expect(Buffer.from(decompress(bytes, name)), name).toEqual(hello);
    if (name === "a.ko") continue;
    expect(() => decompress(bytes.subarray(0, bytes.length - 3), name), name).toThrow(/unpack/);
  }
});
