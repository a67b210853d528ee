/**
 * libc through koffi: the only file that declares system calls.
 *
 * Every pointer is declared `uintptr` and passed as a JavaScript number (user addresses are below
 * 2^47), so a call builds no object. Structures are plain bytes in memory that does not move,
 * written by offset. Layouts are those of 64-bit little-endian Linux (x86-64 and arm64 agree in
 * everything that huck uses). koffi is loaded by path: in an initramfs from beside the bundle,
 * otherwise from its platform package, which takes 3 ms where its own loader takes 20. If it cannot
 * be loaded, {@link libcProblem} says why, and the plain twins are used. No call is retried here.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, endianness } from "node:os";
import { dirname, join } from "node:path";
import { HuckError, messageOf } from "../core/errors.ts";

/** A C function: numbers for integers and pointers, strings for `str` parameters. */
export type LibcFunction = (...values: readonly (number | string)[]) => number;

/** C types by koffi's names; `uintptr` is used for every pointer that is passed as a number. */
export type CType = "int" | "uint" | "long" | "ulong" | "int64" | "uintptr" | "str";

/** The part of koffi that we use. */
interface Koffi {
  load(path: string | null): {
    func(name: string, result: CType, parameters: readonly CType[]): LibcFunction;
  };
  address(memory: ArrayBufferView | ArrayBufferLike): bigint;
  errno(): number;
}

/** The kernel refused a system call; `code` is the name of its errno, for example "EIO". */
export class SystemCallError extends HuckError {
  /** Value of errno. */
  readonly errno: number;

  /**
   * @param task - What was tried, to follow "Cannot ": `join 239.1.2.3 on "eth0"`.
   * @param errno - Value of errno right after the call.
   */
  constructor(task: string, errno: number) {
    const name = errnoName(errno);
    super(name, `Cannot ${task}: the kernel answers ${name}`);
    this.errno = errno;
  }
}

/**
 * Declares a function of libc. Do it once per function, not per call.
 *
 * @param result - C type of its result.
 * @param parameters - C types of its parameters; a variadic tail is declared as it is used.
 * @throws {@link HuckError} `no_libc` if koffi cannot be loaded; `no_symbol` if libc lacks it.
 */
export function libcFunction(
  name: string,
  result: CType,
  parameters: readonly CType[],
): LibcFunction {
  const loaded = load();
  if (loaded instanceof HuckError) throw loaded;
  try {
    return loaded.libc.func(name, result, parameters);
  } catch (cause) {
    throw new HuckError("no_symbol", `Cannot call "${name}": libc does not have it`, { cause });
  }
}

/** @returns Why system calls cannot be made; undefined if they can. */
export function libcProblem(): HuckError | undefined {
  const loaded = load();
  return loaded instanceof HuckError ? loaded : undefined;
}

/**
 * The address of memory that the caller keeps alive and never grows or detaches.
 *
 * @param memory - A buffer or a view; typed arrays under 65 bytes must be views of a buffer.
 * @returns Address of its first byte, below 2^53.
 * @throws {@link HuckError} `no_libc`.
 */
export function addressOf(memory: ArrayBufferView | ArrayBufferLike): number {
  const loaded = load();
  if (loaded instanceof HuckError) throw loaded;
  return Number(loaded.koffi.address(memory));
}

/** @returns errno of this thread's last call. Read it at once: any other call may change it. */
export function lastErrno(): number {
  const loaded = load();
  return loaded instanceof HuckError ? 0 : loaded.koffi.errno();
}

/**
 * Turns a failed call into an error.
 *
 * @param result - The call's return value; negative means that it failed.
 * @param task - What was tried, to follow "Cannot ".
 * @throws {@link SystemCallError} when the call failed.
 */
export function checked(result: number, task: string): number {
  if (result < 0) throw new SystemCallError(task, lastErrno());
  return result;
}

/** Closes a descriptor that a call of libc opened; Node.js would rather close only its own. */
export function closeDescriptor(fd: number): void {
  libcFunction("close", "int", ["int"])(fd);
}

/**
 * @param errno - Positive value.
 * @returns A name like "EAGAIN"; "E<number>" for one that Node.js does not know.
 */
export function errnoName(errno: number): string {
  const names = Object.entries(constants.errno);
  return names.find(([, value]) => value === errno)?.[0] ?? `E${errno}`;
}

/** Bytes at a fixed address, for structures that the kernel reads or fills. */
export interface NativeBlock {
  /** All bytes, initially zero. */
  readonly bytes: Uint8Array;
  /** The same bytes, for access by field. All fields are little-endian on our processors. */
  readonly view: DataView;
  /** Address of the first byte. */
  readonly address: number;
}

/**
 * Makes a zeroed block.
 *
 * @param byteCount - Its length. Unit: bytes.
 * @returns A block that lives as long as its object.
 * @throws {@link HuckError} `no_libc`.
 */
export function nativeBlock(byteCount: number): NativeBlock {
  const buffer = new ArrayBuffer(byteCount);
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    address: addressOf(buffer),
  };
}

let state: { readonly koffi: Koffi; readonly libc: ReturnType<Koffi["load"]> } | HuckError | null =
  null;

function load(): Exclude<typeof state, null> {
  state ??= tryLoad();
  return state;
}

function tryLoad(): Exclude<typeof state, null> {
  if (process.platform !== "linux" || endianness() !== "LE") {
    return noLibc(`this is ${process.platform} ${process.arch}, 64-bit Linux wanted`);
  }
  try {
    const koffi = loadKoffi();
    return { koffi, libc: koffi.load("libc.so.6") };
  } catch (cause) {
    return noLibc(messageOf(cause).split("\n", 1)[0] ?? "", cause);
  }
}

function noLibc(reason: string, cause?: unknown): HuckError {
  return new HuckError("no_libc", `Cannot load koffi: ${reason}`, { cause });
}

function loadKoffi(): Koffi {
  const require = createRequire(import.meta.url);
  const beside = join(dirname(process.argv[1] ?? "/"), "koffi.node");
  if (existsSync(beside)) return require(beside) as Koffi;
  const system = `linux_${process.arch}`;
  try {
    return require(`@koromix/koffi-linux-${process.arch}/${system}/koffi.node`) as Koffi;
  } catch {
    return require("koffi") as Koffi; // built from source, or a libc that its loader knows better
  }
}
