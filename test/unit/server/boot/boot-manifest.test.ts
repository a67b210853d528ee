/**
 * Goal: a manifest is taken as the build wrote it, and any other one is refused with a message that
 * says what is wrong. Method: one good manifest, changed in one place at a time; random JSON.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBootManifest } from "../../../../server/boot/boot-manifest.ts";
import { SituationError } from "../../../../shared/core/errors.ts";

const size = { sizeBytes: 5, sha256: "a".repeat(64) };
const kernel = { name: "vmlinuz", role: "kernel", architecture: "x64", ...size };
const archive = { name: "core.zst", role: "archive", architecture: "x64", order: 0, ...size };
const loader = { name: "ipxe", role: "loader", architecture: "bios", ...size };
const good = { format: 2, version: "0.1.0", files: [kernel, archive, loader] };

function parse(manifest: unknown) {
  return parseBootManifest(JSON.stringify(manifest), "/b/manifest.json");
}

function withFile(change: object) {
  return { ...good, files: [{ ...kernel, ...change }] };
}

test("parseBootManifest() keeps what it knows and skips what a newer build may add", () => {
  const newer = {
    ...good,
    kernelRelease: "6.12",
    files: [kernel, archive, { ...loader, more: 1 }],
  };
  expect(parse(newer)).toEqual(good);
});

test.each<readonly [string, unknown, string]>([
  ["the format before", { ...good, format: 1 }, "format 1 found, 2 wanted"],
  ["no object", [], "expected object"],
  ["no version", { ...good, version: undefined }, "version"],
  ["no files", { ...good, files: [] }, "files"],
  ["65 files", { ...good, files: Array<object>(65).fill(kernel) }, "files"],
  ["an unknown role", withFile({ role: "initrd" }), "files.0.role"],
  ["an unknown architecture", withFile({ architecture: "vax" }), "files.0.architecture"],
  ["a path", withFile({ name: "../vmlinuz" }), "files.0.name"],
  ["a hidden file", withFile({ name: ".vmlinuz" }), "files.0.name"],
  ["a file without a size", withFile({ sizeBytes: undefined }), "files.0.sizeBytes"],
  ["a negative size", withFile({ sizeBytes: -1 }), "files.0.sizeBytes"],
  ["a bad digest", withFile({ sha256: "A".repeat(64) }), "files.0.sha256"],
  ["an archive without an order", withFile({ role: "archive" }), "files.0.order"],
  [
    "two kernels",
    { ...good, files: [kernel, { ...kernel, name: "other" }] },
    "two files claim the kernel of x64",
  ],
  [
    "two files of one name",
    { ...good, files: [kernel, { ...archive, name: "vmlinuz" }] },
    'two files claim the name "vmlinuz"',
  ],
  [
    "two archives in one place",
    { ...good, files: [archive, { ...archive, name: "other" }] },
    "two files claim place 0 among the archives of x64",
  ],
  [
    "two loaders for one firmware",
    { ...good, files: [loader, { ...loader, name: "other" }] },
    "two files claim the loader of bios",
  ],
])("parseBootManifest() refuses %s", (_, manifest, wanted) => {
  expect(() => parse(manifest)).toThrow(
    expect.objectContaining({
      code: "bad_boot_manifest",
      message: expect.stringMatching(/^Cannot use "\/b\/manifest\.json": /) as string,
      cure: expect.stringContaining("make initramfs") as string,
    }) as Error,
  );
  expect(() => parse(manifest)).toThrow(wanted);
});

test("parseBootManifest() refuses what is no JSON, in a short message", () => {
  expect(() => parseBootManifest("{", "/b/manifest.json")).toThrow(/Cannot use .*JSON/);
  const long = withFile({ role: "x".repeat(10_000) });
  try {
    parse(long);
    expect.unreachable();
  } catch (error) {
    expect((error as Error).message.length).toBeLessThanOrEqual(500);
  }
});

test("parseBootManifest() throws nothing but situations, for any JSON", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        parseBootManifest(text, "m");
      } catch (error) {
        expect(error).toBeInstanceOf(SituationError);
      }
    }),
  );
});
