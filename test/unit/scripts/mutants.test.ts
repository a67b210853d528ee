/**
 * Goal: no planted fault goes stale unseen. Method: every patch of test/mutants must apply to the
 * sources as they are; `make mutants` says whether the tests see the fault.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const folder = join(root, "test/mutants");
const patches = readdirSync(folder).filter((name) => name.endsWith(".patch"));

test.each(patches)("%s fits the code", (patch) => {
  const check = ["apply", "--check", join(folder, patch)];
  const { status, stderr } = spawnSync("git", check, { cwd: root, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
