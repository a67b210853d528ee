/**
 * Goal: sizes read as people write them.
 *
 * Method: a table; what a reporter writes is seen in test/interop/cast.test.ts through real pipes.
 */
import { expect, test } from "vitest";
import { sizeText } from "../../../../server/cli/size-text.ts";

test.each([
  [0, "0 bytes"],
  [1023, "1023 bytes"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [512 * 2 ** 20, "512 MiB"],
  [3.71e9, "3.46 GiB"],
  [5 * 2 ** 50, "5120 TiB"],
])("sizeText() writes %d as %s", (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
