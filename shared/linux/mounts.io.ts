/**
 * Mounts the kernel's own file systems with mount(2), for the receiver as PID 1.
 *
 * A file system that is mounted already is no error, because an initramfs may be entered twice.
 */
import { mkdirSync } from "node:fs";
import { lastErrno, libcFunction, SystemCallError } from "./libc.io.ts";

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const EBUSY = 16;

/** The file systems that a receiver needs before anything else. */
const KERNEL_FILE_SYSTEMS: readonly (readonly [kind: string, folder: string, flags: number])[] = [
  ["proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC],
  ["sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC],
  ["devtmpfs", "/dev", MS_NOSUID],
  ["tmpfs", "/run", MS_NOSUID | MS_NODEV],
];

/**
 * Mounts /proc, /sys, /dev and /run where they are not mounted yet.
 *
 * @throws {@link SystemCallError} `EPERM` without privilege.
 */
export function mountKernelFileSystems(): void {
  const mount = libcFunction("mount", "int", ["str", "str", "str", "ulong", "str"]);
  for (const [kind, folder, flags] of KERNEL_FILE_SYSTEMS) {
    mkdirSync(folder, { recursive: true });
    if (mount(kind, folder, kind, flags, "") === 0) continue;
    const errno = lastErrno();
    if (errno !== EBUSY) throw new SystemCallError(`mount "${kind}" on "${folder}"`, errno);
  }
}
