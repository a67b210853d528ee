/**
 * Goal: a cached root tree is used for what it was made from and for nothing else; the marker
 * program is a proper shell script.
 * Method: keys of different kernels; the real sh checks the script's grammar.
 */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { PROGRAMS, rootKey } from "../../../rig/test-os/debian.ts";

test("rootKey() is the same for the same kernel and another for another", () => {
  expect(rootKey("aa")).toBe(rootKey("aa"));
  expect(rootKey("aa")).toMatch(/^[0-9a-f]{16}$/);
  expect(rootKey("aa")).not.toBe(rootKey("ab"));
});

test("PROGRAMS are scripts that sh can read", () => {
  for (const text of Object.values(PROGRAMS)) {
    expect(text).toMatch(/^#!\/bin\/sh\n/);
    execFileSync("sh", ["-n"], { input: text });
  }
});
