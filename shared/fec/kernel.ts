/**
 * Chooses the fastest kernel that this runtime accepts.
 *
 * Relaxed SIMD is tried first, then SIMD, then the table. All three give the same bytes, so the
 * choice shows only in the speed. A program should report `kernel.name` once.
 */
import type { FecKernel } from "./scheme.ts";
import { TableKernel } from "./table-kernel.ts";
import { createWasmKernel } from "./wasm-kernel.ts";

export interface FecKernelOptions {
  /** Arena offset, a multiple of 32, of FEC_SCRATCH_BYTES bytes for this kernel alone. */
  readonly scratch: number;
}

/**
 * Makes the kernel of one thread.
 *
 * @param memory - The arena, a shared memory.
 * @returns A kernel that works on symbols of `memory`.
 */
export function createFecKernel(memory: WebAssembly.Memory, options: FecKernelOptions): FecKernel {
  for (const build of ["wasm-relaxed", "wasm-simd"] as const) {
    const kernel = createWasmKernel(build, memory, options.scratch);
    if (kernel !== undefined) return kernel;
  }
  return new TableKernel(memory);
}
