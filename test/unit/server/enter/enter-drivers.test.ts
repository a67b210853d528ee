/** Goal: a node's entry finds its driver. Method: all names. */
import { expect, test } from "vitest";
import { ENTER_KINDS, enterDriver } from "../../../../server/enter/enter-drivers.io.ts";

test("enterDriver() gives each driver under its own name, and pxe is one", () => {
  expect(ENTER_KINDS.map((kind) => enterDriver(kind).kind)).toEqual(ENTER_KINDS);
  expect(new Set(ENTER_KINDS).size).toBe(ENTER_KINDS.length);
  expect(ENTER_KINDS).toContain("pxe");
});
