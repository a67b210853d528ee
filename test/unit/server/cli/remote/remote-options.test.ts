/**
 * Goal: what a request allows is what an option takes. Method: schemas and texts.
 */
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import {
  allUnlessTyped,
  boundsOf,
  wholeSeconds,
} from "../../../../../server/cli/remote/remote-options.io.ts";

afterEach(() => {
  delete process.env["NODES"];
});

test("boundsOf() gives a schema's bounds in the option's unit", () => {
  expect(boundsOf(z.number().int().min(10).max(20), 1000)).toEqual({ least: 10_000, most: 20_000 });
  expect(boundsOf(z.number().min(0))).toEqual({ least: 0, most: Infinity });
});

test("wholeSeconds() rounds up and leaves out what was not given", () => {
  expect([0, 1, 1000, 90_500].map(wholeSeconds)).toEqual([0, 1, 1, 91]);
  expect(wholeSeconds(undefined)).toBeUndefined();
});

test("allUnlessTyped() means all nodes only when none was named anywhere", () => {
  expect(allUnlessTyped([], {})).toEqual({ all: true });
  expect(allUnlessTyped(["1"], {})).toEqual({});
  process.env["NODES"] = "3";
  expect(allUnlessTyped([], {})).toEqual({});
});
