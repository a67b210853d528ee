/** Goal: CONTROL.md holds the transition table as it is. Method: printing it anew. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { withOrderTable } from "../../../scripts/order-table.ts";

test("CONTROL.md prints the order table: else run `node scripts/order-table.ts`", () => {
  const document = readFileSync("shared/control/CONTROL.md", "utf8");
  expect(document).toBe(withOrderTable(document));
});

test("withOrderTable() refuses a document without its marks", () => {
  expect(() => withOrderTable("no marks")).toThrow(/lacks/);
});
