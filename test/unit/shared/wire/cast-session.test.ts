/**
 * Goal: what two ends of a cast must agree on never changes by accident.
 *
 * Method: golden values, and the scopes that the standards set aside.
 */
import { expect, test } from "vitest";
import { toHex } from "../../../../shared/core/digest.ts";
import { CAST_GROUP, CAST_PORT, castKey } from "../../../../shared/wire/cast-session.ts";

test("castKey() is the key that every version of the cast uses", () => {
  expect(toHex(castKey())).toBe("ff8ad4b1d2f7365ca75b160e5aa9e35a");
});

test("CAST_GROUP is of the local scope (RFC 2365), CAST_PORT leaves room for the next", () => {
  expect(CAST_GROUP.startsWith("239.255.")).toBe(true);
  expect(CAST_PORT).toBeLessThan(65535);
});
