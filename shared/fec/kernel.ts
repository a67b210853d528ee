/**
 * Chooses the fastest kernel that this runtime accepts.
 *
 * Relaxed SIMD, then SIMD, then the table; all three give the same bytes, so the choice shows in
 * speed alone. `kernel.name` tells which it was: a program should say so once.
 */
import { HuckError } from "../core/errors.ts";
import type { FecKernel, KernelName } from "./scheme.ts";
import { TableKernel } from "./table-kernel.ts";
import { createWasmKernel } from "./wasm-kernel.ts";

/** What {@link createFecKernel} may be told. */
export interface FecKernelOptions {
  /** Arena offset, a multiple of 32, of FEC_SCRATCH_BYTES bytes for this kernel alone. */
  readonly scratch: number;
  /** The only kernel wanted. Default: the fastest that works. */
  readonly name?: KernelName;
}

/**
 * Makes the kernel of one thread.
 *
 * @param memory - The arena, a shared memory.
 * @param options - Where its scratch lies; which kernel, when not the fastest.
 * @returns A kernel that works on symbols of `memory`.
 * @throws {@link HuckError} `fec_kernel_refused` when the only kernel wanted is not accepted here.
 */
export function createFecKernel(memory: WebAssembly.Memory, options: FecKernelOptions): FecKernel {
  const { scratch, name } = options;
  if (name === "table") return new TableKernel(memory);
  for (const build of ["wasm-relaxed", "wasm-simd"] as const) {
    if (name !== undefined && name !== build) continue;
    const kernel = createWasmKernel(build, memory, scratch);
    if (kernel !== undefined) return kernel;
  }
  if (name === undefined) return new TableKernel(memory);
  throw new HuckError(
    "fec_kernel_refused",
    `Cannot code with kernel "${name}": the runtime refuses it, wanted a processor with SIMD`,
  );
}
