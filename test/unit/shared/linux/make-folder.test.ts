/**
 * Goal: a folder is made with those above it, and what stands in its way is told by the system's
 * code for it. Method: real folders and files.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeFolder } from "../../../../shared/linux/make-folder.io.ts";

const folder = mkdtempSync(join(tmpdir(), "huck-test-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("makeFolder() makes a folder once, with those above it", () => {
  expect(makeFolder(join(folder, "a/b"), 0o700)).toBe(true);
  expect(makeFolder(join(folder, "a/b"), 0o700)).toBe(false);
  expect(statSync(join(folder, "a/b")).mode & 0o777).toBe(0o700);
});

test.each(["file", "file/below"])("makeFolder() says ENOTDIR when a file is at %s", (place) => {
  writeFileSync(join(folder, "file"), "");
  const making = (): void => void makeFolder(join(folder, place));
  expect(making).toThrow(expect.objectContaining({ code: "ENOTDIR", syscall: "mkdir" }) as Error);
});
