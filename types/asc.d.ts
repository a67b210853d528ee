/**
 * The part of the AssemblyScript compiler's interface that scripts/kernels.ts uses.
 *
 * tsconfig.json maps "assemblyscript/asc" to this file: the package's own declarations redefine the
 * global Array and Math for every file of the program. This file has no run-time code.
 */

/** A stream that keeps what was written to it. */
interface MemoryStream {
  write(chunk: string | Uint8Array): void;
  toString(): string;
}

/** What the compiler reads and writes through. */
interface CompilerOptions {
  readonly stdout?: MemoryStream;
  readonly stderr?: MemoryStream;
  readonly readFile?: (name: string, baseFolder: string) => string | null | Promise<string | null>;
  readonly writeFile?: (name: string, contents: string | Uint8Array, baseFolder: string) => void;
  readonly listFiles?: (folder: string, baseFolder: string) => string[] | null;
}

declare const asc: {
  createMemoryStream(): MemoryStream;
  main(
    argv: readonly string[],
    options: CompilerOptions,
  ): Promise<{ readonly error: Error | null }>;
};
export default asc;
