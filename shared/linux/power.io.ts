/**
 * Ends the running kernel: restart or power off.
 *
 * Both end this computer's work at once. So file systems are synced first, and the function returns
 * only by an error, if the kernel refused. Source: reboot(2).
 */
import { HuckError } from "../core/errors.ts";
import { checked, libcFunction } from "./libc.io.ts";

const REBOOT_COMMANDS = {
  restart: 0x01234567,
  powerOff: 0x4321fedc,
} as const;

/**
 * @param how - Restart or power off.
 * @throws {@link SystemCallError} `EPERM` without privilege.
 */
export function endKernel(how: keyof typeof REBOOT_COMMANDS): never {
  libcFunction("sync", "int", [])();
  const reboot = libcFunction("reboot", "int", ["uint"]);
  checked(reboot(REBOOT_COMMANDS[how]), `end the running kernel (${how})`);
  throw new HuckError("still_running", `Cannot end the running kernel: reboot returned`);
}
