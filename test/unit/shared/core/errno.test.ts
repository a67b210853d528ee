/** Goal: a system error is told in words. Method: a real one, and errors that only look like it. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { foundText, isErrno, errnoText } from "../../../../shared/core/errno.ts";

test("foundText() says what a system error found, with its code and without its own words", () => {
  expect.assertions(1);
  try {
    readFileSync("/nowhere/at/all");
  } catch (thrown) {
    expect(foundText(thrown)).toBe("it is not there (ENOENT)");
  }
});

test("foundText() keeps the words of an error that is not the system's", () => {
  const own = Object.assign(new Error("it has more than 9 bytes"), { code: "ERR_OUT_OF_RANGE" });
  expect(foundText(own)).toBe("it has more than 9 bytes");
  expect(foundText("text")).toBe("text");
});

test("errnoText() has a cure for every code, also for one that it does not know", () => {
  for (const code of ["EACCES", "EADDRINUSE", "ENOSPC", "EXOTIC"]) {
    const { found, cure } = errnoText(code);
    expect(found).toMatch(/^[a-z]/);
    expect(cure).toMatch(/^[A-Z].*[.]$/);
  }
});

test("isErrno() tells errnos from codes of ours and of Node.js", () => {
  expect(["EIO", "E2BIG"].every(isErrno)).toBe(true);
  expect(["ERR_SQLITE_ERROR", "no_space", ""].some(isErrno)).toBe(false);
});
