/**
 * Goal: blocks tile the chunk, are nearly equal and as few as may be (RFC 5052 section 9.1).
 * Method: hand-worked cases; all counts up to 2000 by the definition.
 */
import assert from "node:assert/strict";
import { test } from "vitest";
import { blockFirstSymbol, blockSymbols, partition } from "../../../../shared/fec/partition.ts";

test("partition() cuts a full chunk of 745 symbols into 187 + 186 + 186 + 186", () => {
  const cut = partition(745, 192);
  const sizes = [0, 1, 2, 3].map((block) => blockSymbols(cut, block));
  const firsts = [0, 1, 2, 3, 4].map((block) => blockFirstSymbol(cut, block));
  assert.equal(cut.blockCount, 4);
  assert.deepEqual(sizes, [187, 186, 186, 186]);
  assert.deepEqual(firsts, [0, 187, 373, 559, 745]);
});

test("partition() makes one block when the symbols fit one", () => {
  assert.equal(partition(1, 192).blockCount, 1);
  assert.equal(partition(192, 192).blockCount, 1);
  assert.equal(partition(193, 192).blockCount, 2);
});

test("partition() tiles every count in the fewest blocks, which differ by at most one", () => {
  for (let symbols = 1; symbols <= 2000; symbols++) {
    const blockMax = 1 + (symbols % 192);
    if (symbols > 255 * blockMax) continue;
    const cut = partition(symbols, blockMax);
    assert.equal(cut.blockCount, Math.ceil(symbols / blockMax));
    let next = 0;
    const sizes = new Set<number>();
    for (let block = 0; block < cut.blockCount; block++) {
      assert.equal(blockFirstSymbol(cut, block), next);
      sizes.add(blockSymbols(cut, block));
      next += blockSymbols(cut, block);
    }
    assert.equal(next, symbols);
    assert(Math.max(...sizes) <= blockMax && Math.max(...sizes) - Math.min(...sizes) <= 1);
  }
});

test("partition() asserts when a count is out of range", () => {
  for (const [symbols, blockMax] of [
    [0, 192],
    [1.5, 192],
    [10, 0],
    [10, 193],
    [511, 2],
  ] as const) {
    assert.throws(() => partition(symbols, blockMax), assert.AssertionError);
  }
});
