/**
 * Goal: a DATA datagram names its symbol as WIRE.md section 3.1 says.
 * Method: the golden vector both ways, and the borders of each field.
 */
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../../../shared/core/digest.ts";
import {
  DATA_HEADER_BYTES,
  DATA_OVERHEAD_BYTES,
  readSymbolName,
  writeSymbolName,
} from "../../../../shared/wire/data.ts";
import type { SymbolName } from "../../../../shared/wire/data.ts";
import { AT, numberOf, readVector, textOf, workbench } from "../../../rig/wire-vector.ts";

const bench = workbench();
const vector = readVector("data");
const name: SymbolName = {
  chunk: numberOf(vector, "chunk"),
  block: numberOf(vector, "block"),
  symbol: numberOf(vector, "symbol"),
  chunkSymbols: numberOf(vector, "chunkSymbols"),
};

function blank(): SymbolName {
  return { chunk: 0, block: 0, symbol: 0, chunkSymbols: 0 };
}

test("writeSymbolName() writes the golden vector", () => {
  const payload = fromHex(textOf(vector, "payload"), 32);
  writeSymbolName(bench.view, AT, name);
  bench.bytes.set(payload, AT + DATA_HEADER_BYTES);
  const datagram = bench.seal(vector, payload.length + DATA_OVERHEAD_BYTES);
  expect(toHex(datagram)).toBe(toHex(vector.bytes));
});

test("readSymbolName() reads the golden vector", () => {
  const read = blank();
  bench.put(vector.bytes);
  expect(readSymbolName(bench.view, AT, read)).toBe(true);
  expect(read).toEqual(name);
});

test("readSymbolName() refuses symbol 255, no symbols, and more than 255 blocks hold", () => {
  const wrong: [Partial<SymbolName>, boolean][] = [
    [{ symbol: 255 }, false],
    [{ symbol: 254 }, true],
    [{ chunkSymbols: 0 }, false],
    [{ chunkSymbols: 48_960 }, true],
    [{ chunkSymbols: 48_961 }, false],
  ];
  for (const [change, good] of wrong) {
    writeSymbolName(bench.view, AT, { ...name, ...change });
    expect(readSymbolName(bench.view, AT, blank())).toBe(good);
  }
});
