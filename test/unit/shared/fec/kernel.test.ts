/**
 * Goal: the right kernel is chosen, and a refusal is said, never hidden.
 * Method: real kernels; a real Node.js that is told to pretend the processor has no SSSE3.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "vitest";
import { createFecKernel } from "../../../../shared/fec/kernel.ts";
import { memory, NAMES } from "./arena.ts";

/** Prints the kernel chosen, the refusal of the one asked for, a parity byte and a tag's check. */
const PROGRAM = `
  import { createFecKernel } from "./shared/fec/kernel.ts";
  import { createTagger } from "./shared/wire/tag.ts";
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const bytes = new Uint8Array(memory.buffer).fill(7, 0, 32);
  const kernel = createFecKernel(memory, { scratch: 32_768 });
  kernel.multiply(Uint32Array.of(0), Uint32Array.of(32), Uint8Array.of(2), 32);
  const tagger = createTagger(memory, new Uint8Array(16));
  tagger.seal(0, 64);
  let code = "none";
  try {
    createFecKernel(memory, { scratch: 32_768, name: "wasm-simd" });
  } catch (error) {
    code = error.code;
  }
  console.log([kernel.name, code, bytes[32], tagger.check(0, 64)].join(" "));
`;

test("createFecKernel() takes relaxed SIMD when Node.js has it", () => {
  assert.equal(createFecKernel(memory, { scratch: 0 }).name, "wasm-relaxed");
});

test("createFecKernel() makes the kernel that is asked for", () => {
  for (const name of NAMES) assert.equal(createFecKernel(memory, { scratch: 0, name }).name, name);
});

test.skipIf(process.arch !== "x64")(
  "createFecKernel() takes the table, and refuses SIMD by name, when the processor has none",
  () => {
    const flags = ["--no-enable-ssse3", "--input-type=module", "--eval", PROGRAM];
    const cwd = `${import.meta.dirname}/../../../..`;
    const output = execFileSync(process.execPath, flags, {
      cwd,
      encoding: "utf8",
      timeout: 15_000,
    });
    assert.equal(output.trim(), "table fec_kernel_refused 14 true");
  },
);
