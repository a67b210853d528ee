/**
 * Goal: equal values give equal bytes, whatever the order of their members. Method: RFC 8785
 * examples and property.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CanonicalValue, canonicalJson } from "../../../../shared/core/canonical-json.ts";

const text = (value: CanonicalValue): string => new TextDecoder().decode(canonicalJson(value));

test("canonicalJson() sorts members by UTF-16 units and writes no white space", () => {
  expect(text({ b: [1, "x", null], a: { "\u20ac": true, z: false } })).toBe(
    '{"a":{"z":false,"\u20ac":true},"b":[1,"x",null]}',
  );
});

test("canonicalJson() leaves absent members out and escapes as RFC 8785 3.2.2.2 says", () => {
  expect(text({ a: undefined, b: '\u0000\n"\\/' })).toBe('{"b":"\\u0000\\n\\"\\\\/"}');
});

test("canonicalJson() refuses fractions and numbers beyond 2^53", () => {
  expect(() => canonicalJson(0.5)).toThrow();
  expect(() => canonicalJson(2 ** 53)).toThrow();
});

test("canonicalJson() parses back to the value and ignores the order of members", () => {
  const leaf = fc.oneof(fc.constant(null), fc.boolean(), fc.string(), fc.maxSafeInteger());
  fc.assert(
    fc.property(fc.dictionary(fc.string(), leaf, { noNullPrototype: true }), (members) => {
      const turned = Object.fromEntries(Object.entries(members).reverse());
      expect(text(turned)).toBe(text(members));
      expect(JSON.parse(text(members))).toEqual(normalZero(members));
    }),
  );
});

function normalZero(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, value === 0 ? 0 : value]),
  );
}
