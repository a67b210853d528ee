/**
 * Goal: sizes, times and counts read as people write them. Method: tables.
 */
import { expect, test } from "vitest";
import {
  countText,
  rateText,
  secondsText,
  sizeText,
} from "../../../../server/cli/quantity-text.ts";

test.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [999, "999 bytes"],
  [1000, "1.00 kB"],
  [1536, "1.54 kB"],
  [999_499, "999 kB"],
  [999_500, "1.00 MB"],
  [512 * 2 ** 20, "537 MB"],
  [4_720_000_000, "4.72 GB"],
  [9e15, "9.00 PB"],
  [1.2345e18, "1235 PB"],
])("sizeText() writes %d as %s", (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test("rateText() writes whole bytes per second", () => {
  expect([0, 1.4, 310_400_000].map(rateText)).toEqual(["0 bytes/s", "1 byte/s", "310 MB/s"]);
});

test("secondsText() writes one decimal", () => {
  expect([0, 49, 50, 4721].map(secondsText)).toEqual(["0.0 s", "0.0 s", "0.1 s", "4.7 s"]);
});

test("countText() writes the plural of all counts but one", () => {
  expect([0, 1, 2].map((count) => countText(count, "node"))).toEqual([
    "0 nodes",
    "1 node",
    "2 nodes",
  ]);
});
