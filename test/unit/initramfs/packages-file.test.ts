/**
 * Goal: the right version is picked out of a mirror's indexes.
 * Method: index files in Debian's form, as short as they can be.
 */
import { expect, test } from "vitest";
import { findKernel, findPackage, releaseFile } from "../../../initramfs/packages-file.ts";

const digest = "ab".repeat(32);

function paragraph(name: string, version: string, depends = ""): string {
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    ...(depends === "" ? [] : [`Depends: ${depends}`]),
    `Filename: pool/main/x/${name}_${version}.deb`,
    "Size: 1234",
    `SHA256: ${digest}`,
    "Description: Package: not this\n Version: 9",
  ].join("\n");
}

const image = "linux-image-6.12.95+deb12-amd64";
const packages = `${[
  paragraph(image, "6.12.90-1"),
  paragraph(image, "6.12.95-1~bpo12+1"),
  paragraph(`${image}-unsigned`, "6.12.99-1"),
  paragraph("linux-image-amd64", "6.12.95-1~bpo12+1", `${image} (= 6.12.95-1~bpo12+1)`),
].join("\n\n")}\n\n`;

test("findPackage() takes the exact name and version, or the last one listed", () => {
  expect(findPackage(packages, image, "6.12.90-1").path).toBe(`pool/main/x/${image}_6.12.90-1.deb`);
  const newest = findPackage(packages, image);
  expect(newest).toMatchObject({ version: "6.12.95-1~bpo12+1", sizeBytes: 1234, sha256: digest });
  expect(() => findPackage(packages, "linux-image")).toThrow(/linux-image: not in Packages/);
  expect(() => findPackage(packages, image, "7")).toThrow(/not in Packages/);
});

test("findPackage() refuses a record that lacks a field, and text without records", () => {
  const lacking = packages.replaceAll(/^SHA256.*$/gm, "");
  expect(() => findPackage(lacking, image)).toThrow(/SHA256 wanted/);
  expect(() => findPackage("", image)).toThrow(/not in Packages/);
});

test("findKernel() follows the metapackage to its exact version", () => {
  expect(findKernel(packages)).toMatchObject({ package: image, version: "6.12.95-1~bpo12+1" });
});

test("findKernel() refuses another series of kernels", () => {
  const later = packages.replaceAll("linux-image-6.12", "linux-image-6.18");
  expect(() => findKernel(later)).toThrow(/linux-image-6.12.\* wanted/);
});

test("releaseFile() reads the SHA256 section only, by exact path", () => {
  const path = "main/binary-amd64/Packages.xz";
  const release = [
    "Codename: x",
    "MD5Sum:",
    ` ${"cd".repeat(16)} 10 ${path}`,
    "SHA256:",
    ` ${"ef".repeat(32)} 77 main/binary-arm64/Packages.xz`,
    ` ${digest}     300424 ${path}`,
    "SHA512:",
    ` ${"01".repeat(64)} 11 ${path}`,
    "",
  ].join("\n");
  expect(releaseFile(release, path)).toEqual({ sizeBytes: 300424, sha256: digest });
  expect(releaseFile(release, "Packages.xz")).toBeUndefined();
  expect(releaseFile(release.replace(digest, "zz"), path)).toBeUndefined();
});
