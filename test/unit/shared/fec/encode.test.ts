/**
 * Goal: parity is what FEC.md says, with every kernel.
 * Method: golden files made by an independent program; ranges; coefficients kept between calls.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { test } from "vitest";
import { BlockEncoder } from "../../../../shared/fec/encode.ts";
import {
  bytes,
  fillRandom,
  FIRST,
  golden,
  kernelOf,
  NAMES,
  places,
  randomOf,
  symbolAt,
} from "./arena.ts";

const FILES = readdirSync(new URL("../../../vectors/fec/", import.meta.url));

function encodeGolden(encoder: BlockEncoder, file: string): number {
  const [k, size, ...vectors] = golden(file);
  assert(k?.[0] === "k" && size?.[0] === "symbol-bytes");
  const [count, symbolBytes] = [Number(k[1]), Number(size[1])];
  const source = places(count, symbolBytes);
  const outputs = places(1, symbolBytes, count);
  source.forEach((offset, i) => {
    for (let b = 0; b < symbolBytes; b++) bytes[offset + b] = 31 * i + 7 * b + i * b + 1;
  });
  for (const [key, expected] of vectors) {
    const [kind, id] = key.split(" ");
    encoder.encode(source, symbolBytes, Number(id), outputs);
    const parity = symbolAt(outputs[0], symbolBytes);
    const sha256 = createHash("sha256").update(parity).digest("hex");
    assert.equal(kind === "parity" ? parity.toString("hex") : sha256, expected, `${file} ${key}`);
  }
  return vectors.length;
}

for (const name of NAMES) {
  test(`encode() gives the golden parity when the kernel is ${name}`, () => {
    const encoder = new BlockEncoder(kernelOf(name));
    const vectors = FILES.map((file) => encodeGolden(encoder, file));
    assert(vectors.length >= 7 && vectors.every((count) => count >= 2));
  });
}

test("encode() gives the same parity one by one and all at once", () => {
  const [k, symbolBytes, parity] = [9, 32, 246];
  const encoder = new BlockEncoder(kernelOf("wasm-simd"));
  const source = places(k, symbolBytes);
  const outputs = places(parity, symbolBytes, k);
  fillRandom(FIRST, k * symbolBytes, randomOf(6));
  encoder.encode(source, symbolBytes, k, outputs);
  const again = places(1, symbolBytes, 300);
  outputs.forEach((offset, n) => {
    encoder.encode(source, symbolBytes, k + n, again);
    assert.deepEqual(symbolAt(again[0], symbolBytes), symbolAt(offset, symbolBytes));
  });
});

test("encode() gives the same parity after every other shape of block", () => {
  const symbolBytes = 32;
  const kernel = kernelOf("wasm-simd");
  const kept = new BlockEncoder(kernel);
  fillRandom(FIRST, 6 * symbolBytes, randomOf(5));
  const shapes = [
    [5, 5, 1],
    [5, 5, 3],
    [5, 5, 2],
    [5, 6, 2],
    [6, 6, 2],
    [5, 5, 3],
  ] as const;
  for (const [k, firstParity, count] of shapes) {
    const [ours, fresh] = [places(count, symbolBytes, 20), places(count, symbolBytes, 30)];
    kept.encode(places(k, symbolBytes), symbolBytes, firstParity, ours);
    new BlockEncoder(kernel).encode(places(k, symbolBytes), symbolBytes, firstParity, fresh);
    const bytesOurs = symbolAt(ours[0], count * symbolBytes);
    assert.deepEqual(bytesOurs, symbolAt(fresh[0], count * symbolBytes));
  }
});

test("encode() asserts when names or the source are out of range", () => {
  const encoder = new BlockEncoder(kernelOf("table"));
  const cases = [
    [0, 1, 1],
    [193, 193, 1],
    [4, 3, 1],
    [4, 254, 2],
    [4, 4.5, 1],
    [4, 4, 0],
  ] as const;
  for (const [k, firstParity, outputs] of cases) {
    assert.throws(() => {
      encoder.encode(places(k, 32), 32, firstParity, places(outputs, 32, 200));
    }, assert.AssertionError);
  }
});
