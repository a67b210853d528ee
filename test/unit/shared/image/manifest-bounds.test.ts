/**
 * Goal: values and depth of a manifest are counted as JSON.parse would make them, before it does.
 * Method: texts at both sides of the bounds, texts that only look like values.
 */
import { describe, expect, test } from "vitest";
import { decodeManifest } from "../../../../shared/image/manifest.ts";
import { boundFaultOf } from "../../../../shared/image/manifest-bounds.ts";

const fault = (text: string): string | undefined => boundFaultOf(new TextEncoder().encode(text));
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const list = (items: number): string => `[${Array.from({ length: items }, () => "1").join(",")}]`;

describe("boundFaultOf()", () => {
  test("bounds the depth, of lists and objects alike", () => {
    expect(fault(nested(8))).toBe(undefined);
    expect(fault(nested(9))).toBe("more than 8 values in each other");
    expect(fault('{"a":'.repeat(9))).toMatch(/in each other/);
  });

  test("bounds the number of values", () => {
    expect(fault(list(65_000))).toBe(undefined);
    expect(fault(list(66_000))).toBe("more than 65536 values");
    expect(fault(`[${"[],".repeat(40_000)}[]]`)).toMatch(/values/);
  });

  test("counts nothing inside a text, whatever is escaped there", () => {
    const text = JSON.stringify({ text: `,[{"\\`.repeat(20_000) });
    expect(fault(text)).toBe(undefined);
    expect(fault(`["\\\\",${list(66_000)}]`)).toMatch(/values/);
  });
});

test.each([
  ["commas", `[${"1,".repeat(4_000_000)}1]`],
  ["unknown members", `{"later":[${"{},".repeat(2_600_000)}{}]}`],
  ["lists in lists", nested(4_000_000)],
])("decodeManifest() refuses 8 MB of %s without making them", (_, text) => {
  const bytes = new TextEncoder().encode(text);
  const before = process.memoryUsage().heapUsed;
  expect(() => decodeManifest(bytes)).toThrow(/it has more than/);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 << 20);
});
