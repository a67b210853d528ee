/** Goal: a reception never takes more memory than its node has to spare. Method: figures. */
import { expect, test } from "vitest";
import { arenaBytes } from "../../../receiver/arena-bytes.ts";

test("P9: arenaBytes() is 0.4 x RAM - 90 MB, at least 48 and at most 256 MB", () => {
  expect(arenaBytes(256e6)).toBe(48e6);
  expect(arenaBytes(512e6)).toBe(114.8e6);
  expect(arenaBytes(1e9)).toBe(256e6);
  expect(arenaBytes(64e9)).toBe(256e6);
});
