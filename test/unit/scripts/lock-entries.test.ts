/**
 * Goal: a lock file that `npm ci` would refuse is recognised, and the entries it lacks are right.
 * Method: small lock files, nested folders, and the kinds of package names that native packages
 * use.
 */
import { expect, test } from "vitest";
import { missingOptional, platformOf } from "../../../scripts/lock-entries.ts";

test("missingOptional() lists names without an entry, with version and kind", () => {
  const packages = {
    "": { optionalDependencies: { absent: "1.0.0" } },
    "node_modules/a": { dev: true, optionalDependencies: { "a-linux-x64": "2.0.0" } },
    "node_modules/b": { optionalDependencies: { "b-linux-x64": "3.0.0" } },
    "node_modules/b-linux-x64": { version: "3.0.0" },
  };
  expect(missingOptional({ packages })).toEqual([
    { name: "a-linux-x64", version: "2.0.0", dev: true },
  ]);
});

test("missingOptional() finds an entry beside, inside and above the package that wants it", () => {
  const wants = { optionalDependencies: { n: "1.0.0" } };
  for (const place of ["node_modules/a/node_modules/b/", "node_modules/a/", ""]) {
    const packages = {
      "node_modules/a/node_modules/b": wants,
      [`${place}node_modules/n`]: { version: "1.0.0" },
    };
    expect(missingOptional({ packages })).toEqual([]);
  }
});

test.each([
  ["@biomejs/cli-darwin-arm64", { os: ["darwin"], cpu: ["arm64"] }],
  ["@biomejs/cli-linux-x64-musl", { os: ["linux"], cpu: ["x64"], libc: ["musl"] }],
  ["@a/b-linux-arm-gnueabihf", { os: ["linux"], cpu: ["arm"], libc: ["glibc"] }],
  ["@a/b-win32-ia32-msvc", { os: ["win32"], cpu: ["ia32"] }],
])("platformOf() reads %s", (name, platform) => {
  expect(platformOf(name)).toEqual(platform);
});

test("platformOf() refuses a name without a platform", () => {
  expect(() => platformOf("left-pad")).toThrow(/names no platform/);
});
