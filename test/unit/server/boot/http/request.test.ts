/**
 * Goal: only published names and MACs can be asked for. Method: tables of good and hostile targets.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRange, parseTarget } from "../../../../../server/boot/http/request.ts";

test("parseTarget() reads a file name and a MAC", () => {
  expect(parseTarget("/boot/files/snponly.efi")).toEqual({ kind: "file", name: "snponly.efi" });
  expect(parseTarget("/boot/nodes/52-54-00-77-00-0a/script.ipxe")).toEqual({
    kind: "script",
    mac: "52:54:00:77:00:0a",
  });
});

test.each([
  "",
  "/",
  "/boot/files/",
  "/boot/files/../../etc/passwd",
  "/boot/files/%2e%2e/x",
  "/boot/files/a/b",
  "/boot/files/a\\b",
  "/boot/files/a\0b",
  "/boot/files/a?b",
  "/boot/nodes/52-54-00-77-00-0A/script.ipxe",
  "/boot/nodes/52-54-00-77-00/script.ipxe",
  "http://10.77.0.1/boot/files/x",
  `/boot/files/${"a".repeat(300)}`,
])("parseTarget() knows no %j", (target) => {
  expect(parseTarget(target)).toBeUndefined();
});

test.each([
  [undefined, "whole"],
  ["bytes=0-9", { start: 0, end: 10 }],
  ["bytes=90-", { start: 90, end: 100 }],
  ["bytes=90-500", { start: 90, end: 100 }],
  ["bytes=-10", { start: 90, end: 100 }],
  ["bytes=-500", { start: 0, end: 100 }],
  ["bytes=100-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=9-3", "whole"],
  ["bytes=-", "whole"],
  ["bytes=0-1,5-6", "whole"],
  ["items=0-1", "whole"],
])("parseRange() reads %j of 100 bytes", (header, wanted) => {
  expect(parseRange(header, 100)).toEqual(wanted);
});

test("parseRange() stays inside the file for any header", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^bytes=\d{0,16}-\d{0,16}$/), fc.nat(), (header, size) => {
      const range = parseRange(header, size);
      if (typeof range === "string") return;
      expect(range.start).toBeGreaterThanOrEqual(0);
      expect(range.end).toBeLessThanOrEqual(size);
      expect(range.start).toBeLessThan(range.end);
    }),
  );
});
