/**
 * Goal: what README.md tells a newcomer to type is true.
 * Method: its huck.yaml is parsed by the server's own parser, its exit codes are compared with
 * those of the code, and its make targets with those of the Makefile.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "../rig/parse-config.ts";
import { NODE_DRIVERS } from "../../server/node-drivers.io.ts";
import { ExitCode } from "../../shared/core/errors.ts";

const root = resolve(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

test("README's huck.yaml parses", () => {
  const yaml = /```yaml\n([^]*?)```/.exec(readme)?.[1] ?? "";
  const { server } = parseConfig(yaml, "/lab/huck.yaml", NODE_DRIVERS);
  expect(server.interface).toBe("eth1");
  expect(server.bootFiles).toBe("/lab/build/boot");
});

test("README's exit codes are those of the code", () => {
  const codes = [...readme.matchAll(/^\| (\d) \| /gm)].map((match) => Number(match[1]));
  expect(codes).toEqual(Object.values(ExitCode).sort());
});

test("README's make targets exist", () => {
  const makefile = readFileSync(join(root, "Makefile"), "utf8");
  const named = [...readme.matchAll(/^(?:`)?make ([a-z-]+)/gm)].map((match) => match[1] ?? "");
  expect(named).toContain("demo");
  for (const target of named) expect(makefile).toMatch(new RegExp(`^${target}:`, "m"));
});
