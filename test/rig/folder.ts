/** Folders that tests write to; they are removed after the tests. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";

function made(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "huck-test-")));
}

/** Makes a folder for all tests of a file. Call it at the file's top, once. */
export function fileFolder(): string {
  const folder = made();
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Makes a folder for the test that is running. Call it in the test or in its `beforeEach`. */
export function testFolder(): string {
  const folder = made();
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
