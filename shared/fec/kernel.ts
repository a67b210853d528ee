/**
 * Chooses the fastest kernel that this runtime accepts.
 *
 * Relaxed SIMD is tried first, then SIMD, then the table. All three give the same bytes, so the
 * choice shows only in the speed. A program should report `kernel.name` once.
 */
import { HuckError } from "../core/errors.ts";
import type { FecKernel, KernelName } from "./scheme.ts";
import { TableKernel } from "./table-kernel.ts";
import { createWasmKernel } from "./wasm-kernel.ts";

export interface FecKernelOptions {
  /** Arena offset, a multiple of 32, of FEC_SCRATCH_BYTES bytes for this kernel alone. */
  readonly scratch: number;
  /** Name of the only kernel wanted. Default: the fastest that works. */
  readonly name?: KernelName;
}

/**
 * Makes the kernel of one thread.
 *
 * @param memory - The arena, a shared memory.
 * @returns A kernel that works on symbols of `memory`.
 * @throws {@link HuckError} `fec_kernel_refused` if the runtime does not accept the kernel named in
 *   `options`.
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
