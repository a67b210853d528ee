/**
 * Goal: what the system refuses is told with a cure, never as a fault of ours. Method: real system
 * errors, and errors that only look like one.
 */
import { mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { situationOf } from "../../../../server/cli/system-error.ts";

const folder = mkdtempSync(join(tmpdir(), "huck-system-error-"));
const path = (name: string): string => join(folder, name);
writeFileSync(path("file"), "");
symlinkSync(path("circle"), path("circle"));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}

test.each([
  ["ENOENT", "it is not there", () => readFileSync(path("none"))],
  ["ENOTDIR", "a part of the path is no folder", () => readFileSync(path("file/x"))],
  ["EISDIR", "it is a folder", () => openSync(folder, "w")],
  ["ELOOP", "its symbolic links lead in a circle", () => readFileSync(path("circle"))],
  ["EEXIST", "it is there already", () => openSync(path("file"), "wx")],
  ["ENAMETOOLONG", "the name is too long", () => readFileSync(path("n".repeat(300)))],
])("situationOf() explains %s", (code, found, work) => {
  const situation = situationOf(thrownBy(work));
  expect(situation).toMatchObject({ code: code.toLowerCase(), exitCode: 4 });
  expect(situation?.message).toContain(found);
  expect(situation?.message).toContain(code);
  expect(situation?.cure).toMatch(/^[A-Z].*[.]$/);
});

test.each(["EIO", "ENXIO", "EBUSY", "EACCES"])(
  "situationOf() does not say of %s in a write that nothing was touched (P15)",
  (code) => {
    const thrown = Object.assign(new Error(code), { code, syscall: "write", path: "/dev/sda" });
    expect(situationOf(thrown)).toMatchObject({ exitCode: 6 });
  },
);

test("situationOf() gives the system's own words where there is no path", () => {
  const thrown = Object.assign(new Error("ENOSPC: no space left on device, write"), {
    code: "ENOSPC",
    syscall: "write",
  });
  expect(situationOf(thrown)).toMatchObject({
    exitCode: 6,
    message: "Cannot write: no space is left (ENOSPC: no space left on device, write)",
  });
});

test("situationOf() leaves our own faults alone", () => {
  expect(situationOf(new TypeError("undefined is not a function"))).toBeUndefined();
  expect(situationOf(Object.assign(new Error("x"), { code: "ENOENT" }))).toBeUndefined();
  expect(situationOf("ENOENT")).toBeUndefined();
});
