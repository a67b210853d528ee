/**
 * Goal: the fastest kernel that works is chosen.
 * Method: real kernels; a real Node.js that is told to pretend the processor has no SSSE3.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "vitest";
import { createFecKernel } from "../../../../shared/fec/kernel.ts";
import { memory } from "./arena.ts";

/** Prints the kernel chosen, whether SIMD would work, a parity byte and a tag's check. */
const PROGRAM = `
  import { createFecKernel } from "./shared/fec/kernel.ts";
  import { createWasmKernel } from "./shared/fec/wasm-kernel.ts";
  import { createTagger } from "./shared/wire/tag.ts";
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const bytes = new Uint8Array(memory.buffer).fill(7, 0, 32);
  const kernel = createFecKernel(memory, { scratch: 32_768 });
  kernel.multiply(Uint32Array.of(0), Uint32Array.of(32), Uint8Array.of(2), 32);
  const tagger = createTagger(memory, new Uint8Array(16));
  tagger.seal(0, 64);
  const simd = createWasmKernel("wasm-simd", memory, 32_768) !== undefined;
  console.log([kernel.name, simd, bytes[32], tagger.check(0, 64)].join(" "));
`;

test("createFecKernel() takes relaxed SIMD when Node.js has it", () => {
  assert.equal(createFecKernel(memory, { scratch: 0 }).name, "wasm-relaxed");
});

test.skipIf(process.arch !== "x64")(
  "createFecKernel() takes the table when the processor has no SIMD",
  () => {
    const flags = ["--no-enable-ssse3", "--input-type=module", "--eval", PROGRAM];
    const cwd = `${import.meta.dirname}/../../../..`;
    const output = execFileSync(process.execPath, flags, {
      cwd,
      encoding: "utf8",
      timeout: 15_000,
    });
    assert.equal(output.trim(), "table false 14 true");
  },
);
