/** Goal: what the system says of a folder has a cure; our own bugs stay bugs. Method: its codes. */
import { expect, test } from "vitest";
import { SituationError } from "../../../../shared/core/errors.ts";
import { readingFault, writingFault } from "../../../../server/store/store-faults.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: it went wrong`), { code });
}

test.each([
  ["EEXIST", "no folder"],
  ["ENOTDIR", "no folder"],
  ["EACCES", "forbids"],
  ["EROFS", "read-only"],
  ["EIO", "the device failed (EIO)"],
])("readingFault() explains %s", (code, found) => {
  const error = systemError(code);
  const fault = readingFault("/srv/images", error);
  expect(fault).toBeInstanceOf(SituationError);
  expect(fault).toMatchObject({ code: "bad_store", cause: error });
  expect((fault as Error).message).toContain(found);
});

test.each([
  ["ENOSPC", "store_full"],
  ["EDQUOT", "store_full"],
  ["EROFS", "store_unwritable"],
  ["EACCES", "store_unwritable"],
  ["ENOENT", "store_unwritable"],
  ["EIO", "store_failed"],
  ["ESTALE", "store_failed"],
])("writingFault() explains %s as %s", (code, situation) => {
  const error = systemError(code);
  const fault = writingFault("/srv/images", error);
  expect(fault).toMatchObject({ code: situation, cause: error });
  expect(String(fault), "the system's own words help nobody").not.toContain("it went wrong");
});

test("readingFault() and writingFault() leave what they do not know as it is", () => {
  for (const error of [systemError("ERR_ASSERTION"), new Error("a bug"), "text"]) {
    expect(readingFault("x", error)).toBe(error);
    expect(writingFault("x", error)).toBe(error);
  }
});
