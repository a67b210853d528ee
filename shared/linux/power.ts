/**
 * Leaving the running kernel: restart, power off, or start another kernel by kexec.
 *
 * The idea: each of these ends this computer's work at once, so file systems are synced first and
 * the function returns only when the kernel refused. Sources: reboot(2), kexec_file_load(2).
 */
import { closeSync, openSync } from "node:fs";
import { HuckError } from "../core/errors.ts";
import { checked, libcFunction } from "./libc.ts";

const REBOOT_COMMANDS = {
  restart: 0x01234567,
  powerOff: 0x4321fedc,
  kexec: 0x45584543,
} as const;
/** System call numbers of kexec_file_load: it has no function in libc. */
const KEXEC_FILE_LOAD: Readonly<Record<string, number>> = { x64: 320, arm64: 294 };

/**
 * Ends the running kernel.
 *
 * @param how - "kexec" starts the kernel that {@link loadKernel} loaded.
 * @throws {@link SystemCallError} `EPERM` without privilege, `EINVAL` when no kernel is loaded.
 */
export function endKernel(how: keyof typeof REBOOT_COMMANDS): never {
  libcFunction("sync", "int", [])();
  const reboot = libcFunction("reboot", "int", ["uint"]);
  checked(reboot(REBOOT_COMMANDS[how]), `end the running kernel (${how})`);
  throw new HuckError("still_running", `Cannot end the running kernel: reboot returned`);
}

/**
 * Loads a kernel for `endKernel("kexec")`.
 *
 * @param kernel - Path of its image.
 * @param initramfs - Path of its initramfs.
 * @param commandLine - Its command line, without a NUL.
 * @throws {@link SystemCallError} `EPERM` (locked down or unprivileged), `ENOEXEC` (no kernel).
 */
export function loadKernel(kernel: string, initramfs: string, commandLine: string): void {
  const number = KEXEC_FILE_LOAD[process.arch];
  if (number === undefined) {
    throw new HuckError(
      "no_kexec",
      `Cannot load a kernel: ${process.arch} has no known kexec call`,
    );
  }
  const kexec = libcFunction("syscall", "long", ["long", "int", "int", "ulong", "str", "ulong"]);
  const kernelFile = openSync(kernel, "r");
  try {
    const initramfsFile = openSync(initramfs, "r");
    try {
      const length = Buffer.byteLength(commandLine) + 1; // its NUL counts
      const result = kexec(number, kernelFile, initramfsFile, length, commandLine, 0);
      checked(result, `load kernel "${kernel}"`);
    } finally {
      closeSync(initramfsFile);
    }
  } finally {
    closeSync(kernelFile);
  }
}
