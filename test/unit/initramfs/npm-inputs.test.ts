/**
 * Goal: files of npm packages are used only with the pinned digest.
 * Method: a small tree of made-up packages.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { NPM_FILES, pinNpmInputs, readNpmInput } from "../../../initramfs/npm-inputs.ts";
import { fileFolder } from "../../rig/folder.ts";

const root = fileFolder();
beforeAll(() => {
  for (const [index, file] of NPM_FILES.entries()) {
    const modules = index === 0 ? ".node/node_modules/node/node_modules" : "node_modules";
    const folder = join(root, modules, file.package);
    mkdirSync(dirname(join(folder, file.path)), { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ version: `1.0.${index}` }));
    writeFileSync(join(folder, file.path), `content of ${file.role}`);
  }
});

test("pinNpmInputs() pins what is installed, and readNpmInput() reads it back", () => {
  const pinned = pinNpmInputs(root);
  expect(pinned.map(({ role, version }) => [role, version])).toEqual([
    ["nodejs", "1.0.0"],
    ["koffi", "1.0.1"],
    ["blake-hash", "1.0.2"],
  ]);
  for (const input of pinned) {
    expect(Buffer.from(readNpmInput(root, input)).toString()).toBe(`content of ${input.role}`);
  }
});

test("readNpmInput() refuses another digest, and a package that is not installed", () => {
  const [input] = pinNpmInputs(root);
  if (input === undefined) throw new Error("nothing pinned");
  expect(() => readNpmInput(root, { ...input, sha256: "0".repeat(64) })).toThrow(/0000 wanted/);
  expect(() => readNpmInput(root, { ...input, package: "absent" })).toThrow(/"absent"/);
});
