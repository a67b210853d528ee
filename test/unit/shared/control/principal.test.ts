/**
 * Goal: who asked is said in words, and a kind of a later version harms nobody. Method: examples.
 */
import { expect, test } from "vitest";
import { Principal, principalText } from "../../../../shared/control/principal.ts";

test("principalText() names user, node, or nobody", () => {
  expect(principalText({ kind: "local", uid: 0, name: "root" })).toBe("root (uid 0)");
  expect(principalText({ kind: "local", uid: 1000 })).toBe("uid 1000");
  expect(principalText({ kind: "node", node: "fit01" })).toBe("node fit01");
  expect(principalText({ kind: "unknown" })).toBe("somebody unknown");
});

test("Principal reads a kind that it does not know, or none, as unknown", () => {
  expect(Principal.parse({ kind: "token", role: "student" })).toEqual({ kind: "unknown" });
  expect(Principal.parse(undefined)).toEqual({ kind: "unknown" });
});
