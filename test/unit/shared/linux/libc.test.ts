/**
 * Goal: calls into libc give their results, and failures their errno by name.
 *
 * Method: calls whose outcome is known on every Linux.
 */
import { describe, expect, test } from "vitest";
import {
  SystemCallError,
  addressOf,
  checked,
  errnoName,
  lastErrno,
  libcFunction,
  libcProblem,
  nativeBlock,
} from "../../../../shared/linux/libc.io.ts";

describe.skipIf(libcProblem() !== undefined)("libc", () => {
  test("libcFunction() gives a callable function", () => {
    expect(libcFunction("getpid", "int", [])()).toBe(process.pid);
  });

  test("libcFunction() refuses a symbol that libc lacks", () => {
    expect(() => libcFunction("no_such_function", "int", [])).toThrow(
      expect.objectContaining({ code: "no_symbol" }),
    );
  });

  test("checked() passes results on and turns failures into errors named after their errno", () => {
    const close = libcFunction("close", "int", ["int"]);
    expect(checked(5, "count")).toBe(5);
    const failed = close(-1);
    expect(lastErrno()).toBe(9);
    expect(() => checked(failed, "close nothing")).toThrow(SystemCallError);
    expect(() => checked(close(-1), "close nothing")).toThrow(
      "Cannot close nothing: the kernel answers EBADF",
    );
  });

  test("addressOf() gives an address that the kernel can write to", () => {
    const block = nativeBlock(64);
    expect(addressOf(block.bytes)).toBe(block.address);
    expect(addressOf(block.bytes.subarray(5))).toBe(block.address + 5);
    const gethostname = libcFunction("gethostname", "int", ["uintptr", "ulong"]);
    expect(gethostname(block.address, 64)).toBe(0);
    expect(block.bytes[0]).not.toBe(0);
  });

  test("addressOf() gives an address in shared WebAssembly memory that is page-aligned", () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
    expect(addressOf(memory.buffer) % 4096).toBe(0);
    expect(addressOf(new Uint8Array(memory.buffer, 77))).toBe(addressOf(memory.buffer) + 77);
  });
});

test("errnoName() names what Node.js knows and numbers the rest", () => {
  expect(errnoName(11)).toBe("EAGAIN");
  expect(errnoName(5)).toBe("EIO");
  expect(errnoName(9999)).toBe("E9999");
});
