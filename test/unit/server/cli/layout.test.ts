/**
 * Goal: no screen is too narrow for a table or line, and no word is broken. Method: a table in
 * rooms of many widths, and any text.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { clipped, table, wrapped } from "../../../../server/cli/layout.ts";

const ROWS = [
  ["node", "power", "ping", "last"],
  ["fit01", "on", "0.4 ms", "2026-01-01 12:00 ok"],
  ["fit02", "unknown", "no answer", "NOT OK lost: the node fell silent and did not come back"],
];

test("table() lays out columns in full where there is room, as in a pipe", () => {
  expect(table(ROWS)).toEqual([
    "node   power    ping       last",
    "fit01  on       0.4 ms     2026-01-01 12:00 ok",
    "fit02  unknown  no answer  NOT OK lost: the node fell silent and did not come back",
  ]);
});

test("table() wraps its last column, then drops the least important ones, then stacks", () => {
  const drop = ["ping", "power"];
  expect(table(ROWS, { columns: 60, drop }).slice(2)).toEqual([
    "fit02  unknown  no answer  NOT OK lost: the node fell silent",
    "                           and did not come back",
  ]);
  expect(table(ROWS, { columns: 40, drop }).slice(0, 3)).toEqual([
    "node   power    last",
    "fit01  on       2026-01-01 12:00 ok",
    "fit02  unknown  NOT OK lost: the node",
  ]);
  expect(table(ROWS, { columns: 24, drop }).slice(2)).toEqual([
    "fit01",
    "  2026-01-01 12:00 ok",
    "fit02",
    "  NOT OK lost: the node",
    "  fell silent and did",
    "  not come back",
  ]);
  for (let columns = 16; columns < 100; columns += 1) {
    const lines = table(ROWS, { columns, drop });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  }
});

test.each([80, Infinity])(
  "table() takes as many rows as a server may have, in %d columns",
  (columns) => {
    const rows = Array.from({ length: 80_000 }, (_, index) => [`n${index}`, "a few words more"]);
    expect(table([["node", "last"], ...rows], { columns, drop: [] })).toHaveLength(80_001);
  },
);

test("wrapped() breaks between words only, loses none, and keeps longer words whole", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 30 });
  const property = fc.property(
    fc.array(word),
    fc.integer({ min: 1, max: 50 }),
    (words, columns) => {
      const lines = wrapped(words.join(" "), columns, "  ");
      expect(lines.flatMap((line) => line.trim().split(" ")).filter((one) => one !== "")).toEqual(
        words,
      );
      for (const line of lines) {
        if (line.trim().includes(" ")) expect(line.length).toBeLessThanOrEqual(columns);
      }
    },
  );
  fc.assert(property);
  expect(wrapped("  a bb ccc", 6, "    ")).toEqual(["  a bb", "    ccc"]);
});

test("clipped() cuts at a blank, marks the cut, and never exceeds the screen", () => {
  expect(clipped("fit01 NOT OK lost", 17)).toBe("fit01 NOT OK lost");
  expect(clipped("fit01 NOT OK lost", 16)).toBe("fit01 NOT OK...");
  expect(clipped("abcdefgh", 6)).toBe("abc...");
  for (let columns = 1; columns < 20; columns += 1) {
    expect(clipped("fit01 NOT OK lost", columns).length).toBeLessThanOrEqual(columns);
  }
});
