/**
 * The part of the WebAssembly JavaScript API that huck uses.
 *
 * Node.js has it, but TypeScript declares it only in its browser library, which would bring
 * `window`, `alert` and a thousand other names into every file. Source: WebAssembly JavaScript
 * Interface 2.0 (https://www.w3.org/TR/wasm-js-api-2/); this file has no run-time code.
 */
declare namespace WebAssembly {
  /** Size of a memory; a page is 65536 bytes. */
  interface MemoryDescriptor {
    readonly initial: number;
    readonly maximum?: number;
    /** A shared memory needs `maximum`, and its buffer is a SharedArrayBuffer. */
    readonly shared?: boolean;
  }

  /** Linear memory. Growing it detaches `buffer` unless it is shared. */
  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: ArrayBuffer | SharedArrayBuffer;
    grow(pages: number): number;
  }

  /** Compiled code without state; may be posted to a worker. */
  class Module {
    constructor(bytes: ArrayBufferView | ArrayBufferLike);
  }

  /** Exported functions, memories and globals by name; the caller knows their types. */
  type Exports = Readonly<Record<string, unknown>>;

  /** Module name -> import name -> function, memory or global. */
  type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

  /** Code joined with its imports and a state of its own. */
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  /** True when this Node.js can compile the bytes; asks for features such as SIMD. */
  function validate(bytes: ArrayBufferView | ArrayBufferLike): boolean;
}
