/**
 * The field GF(2^8) with polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11D), in which symbols are coded.
 *
 * The powers of 2 are all 255 elements other than 0, so a product is a sum of logarithms modulo
 * 255. Addition is XOR and needs no function. The same field as in RFC 5510 section 8.1 for m = 8.
 */

/** x^8 + x^4 + x^3 + x^2 + 1; bit i stands for x^i. */
const FIELD_POLYNOMIAL = 0x11d;
/** Number of elements other than 0: the period of logarithms. */
export const GROUP_ORDER = 255;

/**
 * Element 2^i at index i, 0 .. 509: two periods, so that a sum of two logarithms needs no modulo.
 */
export const EXP: Uint8Array = new Uint8Array(2 * GROUP_ORDER);
/** Logarithm to base 2 of element a, 0 .. 254, at index a. Index 0 holds 0 and means nothing. */
export const LOG: Uint8Array = new Uint8Array(256);

fillTables(EXP, LOG);

function fillTables(exp: Uint8Array, log: Uint8Array): void {
  let element = 1;
  for (let i = 0; i < GROUP_ORDER; i++) {
    exp[i] = element;
    exp[i + GROUP_ORDER] = element;
    log[element] = i;
    element <<= 1;
    if (element > 255) element ^= FIELD_POLYNOMIAL;
  }
}

/**
 * @param a - 0 .. 255.
 * @param b - 0 .. 255.
 * @returns The product, 0 .. 255.
 */
export function multiply(a: number, b: number): number {
  if (a === 0 || b === 0) return 0;
  return EXP[LOG[a]! + LOG[b]!]!;
}

/**
 * @param a - 1 .. 255; 0 has no inverse and must not be given.
 * @returns The element whose product with `a` is 1.
 */
export function inverse(a: number): number {
  return EXP[GROUP_ORDER - LOG[a]!]!;
}
