/**
 * Goal: a range stays inside the file. Method: a table of headers, and random ones.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRange, pathOf } from "../../../../../server/boot/http/range.ts";

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

test.each([
  ["/boot/files/vmlinuz", "/boot/files/vmlinuz"],
  ["http://10.77.0.1:4081/boot/files/vmlinuz", "/boot/files/vmlinuz"],
  ["HTTP://huck/boot/files/vmlinuz?arch=x64", "/boot/files/vmlinuz"],
  ["https://huck", "/"],
  ["/script.ipxe?mac=${net0/mac}#x", "/script.ipxe"],
  ["http:/boot", "http:/boot"],
  ["*", "*"],
  ["", ""],
])("pathOf() of %j is %j", (target, path) => {
  expect(pathOf(target)).toBe(path);
});
