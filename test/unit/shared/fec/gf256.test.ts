/**
 * Goal: the field is GF(2^8) with polynomial 0x11D.
 * Method: multiply() against long multiplication of polynomials for all pairs; the axioms on it.
 */
import assert from "node:assert/strict";
import { test } from "vitest";
import { EXP, inverse, LOG, multiply } from "../../../../shared/fec/gf256.ts";

function longMultiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if (((b >> bit) & 1) === 1) product ^= a << bit;
  for (let bit = 14; bit >= 8; bit--)
    if (((product >> bit) & 1) === 1) product ^= 0x11d << (bit - 8);
  return product;
}

test("multiply() is multiplication of polynomials modulo 0x11D for all pairs", () => {
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) assert.equal(multiply(a, b), longMultiply(a, b));
  }
});

test("multiply() is associative and distributes over XOR", () => {
  for (let a = 0; a < 256; a += 3) {
    for (let b = 0; b < 256; b++) {
      const c = (a * 7 + b * 13 + 5) & 255;
      assert.equal(multiply(multiply(a, b), c), multiply(a, multiply(b, c)));
      assert.equal(multiply(a, b ^ c), multiply(a, b) ^ multiply(a, c));
    }
  }
});

test("inverse() gives the one element whose product is 1", () => {
  for (let a = 1; a < 256; a++) assert.equal(multiply(a, inverse(a)), 1);
});

test("EXP and LOG undo each other, and EXP runs twice", () => {
  for (let a = 1; a < 256; a++) assert.equal(EXP[LOG[a] ?? -1], a);
  for (let i = 0; i < 255; i++) assert.equal(EXP[i + 255], EXP[i]);
});
