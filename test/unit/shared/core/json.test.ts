/** Goal: what is no JSON is undefined, which no JSON text means. Method: examples. */
import { expect, test } from "vitest";
import { jsonOf } from "../../../../shared/core/json.ts";

test("jsonOf() gives the value of a text, and undefined if it is no JSON", () => {
  expect(jsonOf('{"a":[1,null]}')).toEqual({ a: [1, null] });
  expect(jsonOf("null")).toBeNull();
  for (const text of ["", "{", "undefined", '{"a":1}x']) expect(jsonOf(text)).toBeUndefined();
});
