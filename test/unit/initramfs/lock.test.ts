/**
 * Goal: the lock file is believed only when every field is what a build may use.
 * Method: the project's own inputs.lock, spoiled one field at a time.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatLock, inputOf, parseLock } from "../../../initramfs/lock.ts";
import { FormatError } from "../../../shared/core/errors.ts";

const own = readFileSync(join(import.meta.dirname, "../../../initramfs/inputs.lock"), "utf8");

test("parseLock() reads the project's own file, and formatLock() writes it back unchanged", () => {
  const lock = parseLock(own);
  expect(formatLock(lock)).toBe(own);
  expect(inputOf(lock.debian, "kernel").package).toMatch(/^linux-image-6\.12\..*-amd64$/);
  expect(inputOf(lock.npm, "nodejs").path).toBe("bin/node");
});

test("parseLock() names no host: paths are relative to a mirror", () => {
  for (const { path } of parseLock(own).debian) expect(path).toMatch(/^pool\/main\//);
});

const badFields: readonly (readonly [string, unknown])[] = [
  ["sha256", "0".repeat(63)],
  ["sha256", "G".repeat(64)],
  ["sizeBytes", 0],
  ["sizeBytes", 1.5],
  ["sizeBytes", 1e12],
  ["path", "/etc/passwd"],
  ["path", "pool/../../etc/passwd"],
  ["path", "pool//x"],
  ["path", "http://x/pool"],
  ["path", ""],
  ["version", "1 2"],
  ["package", "a b"],
  ["role", "initrd"],
  ["extra", 1],
];

for (const [field, value] of badFields) {
  test(`parseLock() refuses an input when ${field} is ${JSON.stringify(value)}`, () => {
    const lock = JSON.parse(own) as { debian: Record<string, unknown>[] };
    const first = lock.debian[0];
    if (first === undefined) throw new Error("inputs.lock names no package");
    first[field] = value;
    expect(() => parseLock(JSON.stringify(lock))).toThrow(/Cannot read inputs.lock: "debian.0/);
  });
}

test("parseLock() refuses no JSON, another format, roles missing or doubled", () => {
  expect(() => parseLock(own.slice(0, -3))).toThrow(/not JSON/);
  expect(() => parseLock("[]")).toThrow(FormatError);
  expect(() => parseLock(own.replace('"format": 1', '"format": 2'))).toThrow(/"format"/);
  const lock = parseLock(own);
  const { debian, npm } = lock;
  expect(() => parseLock(formatLock({ ...lock, debian: debian.slice(1) }))).toThrow(
    /0 inputs have role "kernel"/,
  );
  expect(() => parseLock(formatLock({ ...lock, npm: [...npm, ...npm] }))).toThrow(/2 inputs/);
});
