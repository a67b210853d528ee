/** Goal: whoever catches anything gets a code, a message and a cure. Method: one case per kind. */
import { expect, test } from "vitest";
import {
  ExitCode,
  FormatError,
  HuckError,
  SituationError,
  codeOf,
  messageOf,
} from "../../../../shared/core/errors.ts";

test("errors carry class name, code and cause", () => {
  const cause = new Error("below");
  const error = new FormatError("truncated", "Cannot read x: 1 byte, 2 wanted", { cause });
  expect(error).toBeInstanceOf(HuckError);
  expect([error.name, error.code, error.cause]).toEqual(["FormatError", "truncated", cause]);
});

test("SituationError refuses by default and says the cure", () => {
  const plain = new SituationError("disk_in_use", "Cannot write", { cure: "Unmount it" });
  const aborted = new SituationError("stopped", "Stopped", {
    cure: "",
    exitCode: ExitCode.aborted,
  });
  expect([plain.exitCode, plain.cure, aborted.exitCode]).toEqual([4, "Unmount it", 5]);
});

test("codeOf() and messageOf() take anything thrown", () => {
  expect(codeOf(new FormatError("bad", "x"))).toBe("bad");
  expect(codeOf(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe("ENOENT");
  expect(codeOf(Object.assign(new Error("x"), { code: 5 }))).toBeUndefined();
  expect(codeOf("text")).toBeUndefined();
  expect([messageOf(new Error("m")), messageOf(3)]).toEqual(["m", "3"]);
});
