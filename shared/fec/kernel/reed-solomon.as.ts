/**
 * The inner loop of Reed-Solomon coding, in AssemblyScript: up to four output symbols at once.
 *
 * Multiplying 16 bytes by a constant c of GF(2^8) takes two look-ups by nibble, because c * x = c *
 * (x & 15) + c * (x & 240). A swizzle makes 16 look-ups at once. Four outputs of 32 bytes stay in
 * registers while all inputs stream past: an input is read once for four outputs.
 *
 * Everything lies in the imported memory at `scratch`, which ../wasm-kernel.ts fills in:
 *
 *       0  256 x 32 bytes  products of c with 0 .. 15, then products of c with 0, 16, .. 240
 *    8192  192 x u32       address of each input
 *    8960  192 x 4 x u32   address of the table of coefficient (input, row)
 *   12032  4 x u32         address of each output
 *
 * Compiled twice by scripts/kernels.ts, with and without relaxed SIMD. With relaxed swizzle only
 * the result for indices over 15 depends on the processor; ours are nibbles, so both builds give
 * the same bytes. Addresses are checked by assertWork() in ../scheme.ts, not here. This is
 * AssemblyScript, not TypeScript: tsc, eslint and biome do not read this file.
 */

const INPUTS: usize = 8192;
const TABLES: usize = 8960;
const OUTPUTS: usize = 12032;

@inline
function lookUp(table: v128, nibbles: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, nibbles);
  return i8x16.swizzle(table, nibbles);
}

/** Returns sum + c * x for 16 bytes x given as nibbles; `low` and `high` are the tables of c. */
@inline
function add(sum: v128, low: v128, high: v128, lowNibbles: v128, highNibbles: v128): v128 {
  return v128.xor(sum, v128.xor(lookUp(low, lowNibbles), lookUp(high, highNibbles)));
}

@inline
function lowNibbles(bytes: v128): v128 {
  return v128.and(bytes, i8x16.splat(15));
}

@inline
function highNibbles(bytes: v128): v128 {
  return v128.and(i16x8.shr_u(bytes, 4), i8x16.splat(15));
}

@inline
function store(output: i32, scratch: usize, column: usize, first: v128, second: v128): void {
  const at = <usize>load<u32>(scratch + (<usize>output << 2), OUTPUTS) + column;
  v128.store(at, first);
  v128.store(at, second, 16);
}

/**
 * Computes `rows` (1 .. 4) output symbols from `count` inputs as the scratch region describes.
 * `symbolBytes` is a multiple of 32.
 */
export function multiply(scratch: usize, count: i32, rows: i32, symbolBytes: usize): void {
  for (let column: usize = 0; column < symbolBytes; column += 32) {
    if (rows == 4) four(scratch, count, column);
    else if (rows == 3) three(scratch, count, column);
    else if (rows == 2) two(scratch, count, column);
    else one(scratch, count, column);
  }
}

function four(scratch: usize, count: i32, column: usize): void {
  let a0 = i64x2.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  let step = scratch;
  let tables = scratch;
  const end = scratch + (<usize>count << 2);
  while (step < end) {
    const input = <usize>load<u32>(step, INPUTS) + column;
    const x = v128.load(input);
    const y = v128.load(input, 16);
    const xl = lowNibbles(x);
    const xh = highNibbles(x);
    const yl = lowNibbles(y);
    const yh = highNibbles(y);
    const ta = <usize>load<u32>(tables, TABLES);
    const al = v128.load(ta);
    const ah = v128.load(ta, 16);
    a0 = add(a0, al, ah, xl, xh);
    a1 = add(a1, al, ah, yl, yh);
    const tb = <usize>load<u32>(tables, TABLES + 4);
    const bl = v128.load(tb);
    const bh = v128.load(tb, 16);
    b0 = add(b0, bl, bh, xl, xh);
    b1 = add(b1, bl, bh, yl, yh);
    const tc = <usize>load<u32>(tables, TABLES + 8);
    const cl = v128.load(tc);
    const ch = v128.load(tc, 16);
    c0 = add(c0, cl, ch, xl, xh);
    c1 = add(c1, cl, ch, yl, yh);
    const td = <usize>load<u32>(tables, TABLES + 12);
    const dl = v128.load(td);
    const dh = v128.load(td, 16);
    d0 = add(d0, dl, dh, xl, xh);
    d1 = add(d1, dl, dh, yl, yh);
    step += 4;
    tables += 16;
  }
  store(0, scratch, column, a0, a1);
  store(1, scratch, column, b0, b1);
  store(2, scratch, column, c0, c1);
  store(3, scratch, column, d0, d1);
}

function three(scratch: usize, count: i32, column: usize): void {
  let a0 = i64x2.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let step = scratch;
  let tables = scratch;
  const end = scratch + (<usize>count << 2);
  while (step < end) {
    const input = <usize>load<u32>(step, INPUTS) + column;
    const x = v128.load(input);
    const y = v128.load(input, 16);
    const xl = lowNibbles(x);
    const xh = highNibbles(x);
    const yl = lowNibbles(y);
    const yh = highNibbles(y);
    const ta = <usize>load<u32>(tables, TABLES);
    const al = v128.load(ta);
    const ah = v128.load(ta, 16);
    a0 = add(a0, al, ah, xl, xh);
    a1 = add(a1, al, ah, yl, yh);
    const tb = <usize>load<u32>(tables, TABLES + 4);
    const bl = v128.load(tb);
    const bh = v128.load(tb, 16);
    b0 = add(b0, bl, bh, xl, xh);
    b1 = add(b1, bl, bh, yl, yh);
    const tc = <usize>load<u32>(tables, TABLES + 8);
    const cl = v128.load(tc);
    const ch = v128.load(tc, 16);
    c0 = add(c0, cl, ch, xl, xh);
    c1 = add(c1, cl, ch, yl, yh);
    step += 4;
    tables += 16;
  }
  store(0, scratch, column, a0, a1);
  store(1, scratch, column, b0, b1);
  store(2, scratch, column, c0, c1);
}

function two(scratch: usize, count: i32, column: usize): void {
  let a0 = i64x2.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let step = scratch;
  let tables = scratch;
  const end = scratch + (<usize>count << 2);
  while (step < end) {
    const input = <usize>load<u32>(step, INPUTS) + column;
    const x = v128.load(input);
    const y = v128.load(input, 16);
    const xl = lowNibbles(x);
    const xh = highNibbles(x);
    const yl = lowNibbles(y);
    const yh = highNibbles(y);
    const ta = <usize>load<u32>(tables, TABLES);
    const al = v128.load(ta);
    const ah = v128.load(ta, 16);
    a0 = add(a0, al, ah, xl, xh);
    a1 = add(a1, al, ah, yl, yh);
    const tb = <usize>load<u32>(tables, TABLES + 4);
    const bl = v128.load(tb);
    const bh = v128.load(tb, 16);
    b0 = add(b0, bl, bh, xl, xh);
    b1 = add(b1, bl, bh, yl, yh);
    step += 4;
    tables += 16;
  }
  store(0, scratch, column, a0, a1);
  store(1, scratch, column, b0, b1);
}

function one(scratch: usize, count: i32, column: usize): void {
  let a0 = i64x2.splat(0);
  let a1 = a0;
  let step = scratch;
  let tables = scratch;
  const end = scratch + (<usize>count << 2);
  while (step < end) {
    const input = <usize>load<u32>(step, INPUTS) + column;
    const x = v128.load(input);
    const y = v128.load(input, 16);
    const ta = <usize>load<u32>(tables, TABLES);
    const al = v128.load(ta);
    const ah = v128.load(ta, 16);
    a0 = add(a0, al, ah, lowNibbles(x), highNibbles(x));
    a1 = add(a1, al, ah, lowNibbles(y), highNibbles(y));
    step += 4;
    tables += 16;
  }
  store(0, scratch, column, a0, a1);
}
