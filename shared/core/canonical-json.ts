/**
 * Canonical JSON: exactly one byte string per value, so that it can be digested and signed.
 *
 * RFC 8785 restricted to what huck stores: null, booleans, strings, safe integers, arrays and
 * objects; members in UTF-16 order, no white space, undefined members left out. Fractions are
 * refused: their text form is the one part of RFC 8785 that is easy to get wrong, and no field
 * needs them.
 */
import assert from "node:assert/strict";

/** Values that have a canonical form. */
export type CanonicalValue =
  | null
  | boolean
  | string
  | number
  | readonly CanonicalValue[]
  | { readonly [member: string]: CanonicalValue | undefined };

/**
 * @param value - Numbers must be safe integers; members that are undefined are left out.
 * @returns UTF-8 bytes.
 */
export function canonicalJson(value: CanonicalValue): Uint8Array {
  return new TextEncoder().encode(textOf(value, 0));
}

const DEPTH_MAX = 16;

function textOf(value: CanonicalValue, depth: number): string {
  assert(depth <= DEPTH_MAX, "canonical JSON nests too deep");
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    assert(Number.isSafeInteger(value), "canonical JSON holds safe integers only");
    return String(value);
  }
  if (isList(value)) return `[${value.map((item) => textOf(item, depth + 1)).join(",")}]`;
  const members: string[] = [];
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${textOf(member, depth + 1)}`);
  }
  return `{${members.join(",")}}`;
}

function isList(value: object): value is readonly CanonicalValue[] {
  return Array.isArray(value);
}
