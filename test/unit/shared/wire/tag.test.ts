/**
 * Goal: tags are SipHash-2-4 by both kinds of tagger, and any change of a datagram is seen.
 * Method: published vectors; plain against WebAssembly on random runs; every bit flip; runs of up
 * to 32 datagrams; keys that take turns; ranges.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createTagger, TAG_BYTES } from "../../../../shared/wire/tag.ts";
import type { TaggerKind } from "../../../../shared/wire/tag.ts";

const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
const bytes = new Uint8Array(memory.buffer);
const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const KINDS: readonly TaggerKind[] = ["wasm", "plain"];

/** Published tags of inputs 00, 01, .. by the input's length. */
const VECTORS: readonly (readonly [length: number, tag: string])[] = [
  [0, "310e0edd47db6f72"],
  [1, "fd67dc93c539f874"],
  [7, "37d1018bf50002ab"],
  [8, "6224939a79f5f593"],
  [15, "e545be4961ca29a1"],
  [63, "724506eb4c328a95"],
];

function fill(from: number, length: number, seed: number): void {
  for (let i = 0; i < length; i++) bytes[from + i] = (i * 131 + seed * 29 + (i >> 8)) & 0xff;
}

for (const kind of KINDS) {
  test(`seal() of ${kind} writes the published tags`, () => {
    const tagger = createTagger(memory, KEY, kind);
    for (const [length, tag] of VECTORS) {
      for (let i = 0; i < length; i++) bytes[i] = i;
      tagger.seal(0, length + TAG_BYTES);
      assert.equal(Buffer.from(bytes.slice(length, length + TAG_BYTES)).toString("hex"), tag);
    }
  });

  test(`sealRun() of ${kind} writes the published tags when four run side by side`, () => {
    const tagger = createTagger(memory, KEY, kind);
    for (const [length, tag] of VECTORS) {
      const stride = length + TAG_BYTES + 3;
      for (let n = 0; n < 7; n++) {
        for (let i = 0; i < length; i++) bytes[n * stride + i] = i;
      }
      tagger.sealRun(0, length + TAG_BYTES, 7, stride);
      for (let n = 0; n < 7; n++) {
        const at = n * stride + length;
        assert.equal(Buffer.from(bytes.slice(at, at + TAG_BYTES)).toString("hex"), tag);
      }
    }
  });

  test(`check() of ${kind} sees every flipped bit and every truncation`, () => {
    const tagger = createTagger(memory, KEY, kind);
    const length = 61;
    fill(0, length, 1);
    tagger.seal(0, length);
    assert(tagger.check(0, length));
    for (let bit = 0; bit < length * 8; bit++) {
      const at = bit >> 3;
      const before = bytes[at] ?? 0;
      bytes[at] = before ^ (1 << (bit & 7));
      assert(!tagger.check(0, length), `bit ${bit}`);
      bytes[at] = before;
    }
    for (let short = 0; short < length; short++) assert(!tagger.check(0, short));
    assert(tagger.check(0, length));
  });
}

test("sealRun() gives the same bytes in both kinds and touches nothing but tags", () => {
  const wasm = createTagger(memory, KEY, "wasm");
  const plain = createTagger(memory, KEY, "plain");
  const run = fc.record({
    offset: fc.integer({ min: 0, max: 40 }),
    length: fc.integer({ min: 8, max: 1500 }),
    count: fc.integer({ min: 0, max: 32 }),
    gap: fc.integer({ min: 0, max: 17 }),
    seed: fc.nat(255),
  });
  fc.assert(
    fc.property(run, ({ offset, length, count, gap, seed }) => {
      const stride = length + gap;
      const end = offset + count * stride + 64;
      fill(0, end, seed);
      const before = bytes.slice(0, end);
      plain.sealRun(offset, length, count, stride);
      const expected = bytes.slice(0, end);
      bytes.set(before);
      wasm.sealRun(offset, length, count, stride);
      const sealed = bytes.slice(0, end);
      assert(Buffer.from(sealed).equals(expected));
      for (let n = 0; n < count; n++) {
        const tagAt = offset + n * stride + length - TAG_BYTES;
        sealed.set(before.subarray(tagAt, tagAt + TAG_BYTES), tagAt);
      }
      assert(Buffer.from(sealed).equals(before));
    }),
    { numRuns: 60, seed: 1 },
  );
});

test("checkRun() tells by bit which datagrams of a run are right, for 0 to 32 of them", () => {
  for (const kind of KINDS) {
    const tagger = createTagger(memory, KEY, kind);
    for (let count = 0; count <= 32; count++) {
      fill(0, 32 * 100, count);
      tagger.sealRun(0, 90, count, 100);
      const bad = (0x9e3779b9 * (count + 1)) >>> 0;
      for (let n = 0; n < count; n++) {
        bytes[n * 100 + n] = (bytes[n * 100 + n] ?? 0) ^ (((bad >>> n) & 1) << 7);
      }
      const mask = count === 32 ? 0xffffffff : 2 ** count - 1;
      assert.equal(tagger.checkRun(0, 90, count, 100), (~bad & mask) >>> 0);
    }
  }
});

test("check() knows only its own key when taggers of one arena take turns", () => {
  const other = createTagger(
    memory,
    KEY.map((byte) => byte ^ 0x55),
  );
  const mine = createTagger(memory, KEY);
  fill(0, 200, 9);
  mine.seal(0, 100);
  other.seal(100, 100);
  for (let turn = 0; turn < 3; turn++) {
    assert.deepEqual([mine.check(0, 100), other.check(0, 100)], [true, false]);
    assert.deepEqual([mine.check(100, 100), other.check(100, 100)], [false, true]);
  }
});

test("createTagger() copies the key", () => {
  const key = Uint8Array.from(KEY);
  const tagger = createTagger(memory, key);
  fill(0, 50, 4);
  createTagger(memory, KEY).seal(0, 50);
  key.fill(0);
  assert(tagger.check(0, 50));
});

test("a tagger asserts when a key, a run or a place is impossible", () => {
  const bad = assert.AssertionError;
  for (const size of [0, 15, 17]) {
    assert.throws(() => createTagger(memory, new Uint8Array(size)), bad);
  }
  for (const kind of KINDS) {
    const tagger = createTagger(memory, KEY, kind);
    assert.throws(() => {
      tagger.seal(0, 7);
    }, bad);
    assert.throws(() => {
      tagger.seal(0, 65_536);
    }, bad);
    assert.throws(() => {
      tagger.seal(bytes.length - 99, 100);
    }, bad);
    assert.throws(() => {
      tagger.seal(-1, 100);
    }, bad);
    assert.throws(() => {
      tagger.sealRun(0, 100, 2, 99);
    }, bad);
    assert.throws(() => tagger.checkRun(0, 100, 33, 100), bad);
    assert.throws(() => tagger.check(bytes.length - 99, 100), bad);
  }
});
