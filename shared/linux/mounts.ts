/**
 * mount(2) and umount2(2), for the receiver as PID 1 and for checks of a restored disk.
 *
 * The idea: already mounted is success for the kernel's own file systems, because an initramfs may
 * be entered twice; for a disk it is an error.
 */
import { mkdirSync } from "node:fs";
import { lastErrno, libcFunction, SystemCallError } from "./libc.ts";

const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const UMOUNT_NOFOLLOW = 8;
const EBUSY = 16;

/** What a freshly started receiver needs before anything else. */
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
  for (const [kind, folder, flags] of KERNEL_FILE_SYSTEMS) {
    mkdirSync(folder, { recursive: true });
    const errno = tryMount(kind, folder, { kind, flags, options: "" });
    if (errno !== 0 && errno !== EBUSY) throw failed(kind, folder, errno);
  }
}

/**
 * Mounts a file system read-only.
 *
 * @param device - Block device, for example "/dev/sda1".
 * @param folder - Made when it is missing.
 * @param kind - File system, for example "ext4".
 * @param options - As mount(8) takes them after -o, without flags.
 * @throws {@link SystemCallError} `EBUSY`, `EINVAL` (no such file system), `ENODEV` (no driver).
 */
export function mountReadOnly(device: string, folder: string, kind: string, options = ""): void {
  mkdirSync(folder, { recursive: true });
  const flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const errno = tryMount(device, folder, { kind, flags, options });
  if (errno !== 0) throw failed(device, folder, errno);
}

/**
 * Unmounts a file system.
 *
 * @param folder - Where it is mounted.
 * @throws {@link SystemCallError} `EBUSY` while a file of it is open.
 */
export function unmount(folder: string): void {
  const umount2 = libcFunction("umount2", "int", ["str", "int"]);
  if (umount2(folder, UMOUNT_NOFOLLOW) === 0) return;
  throw new SystemCallError(`unmount "${folder}"`, lastErrno());
}

/** @returns 0, or the errno. */
function tryMount(
  device: string,
  folder: string,
  how: { readonly kind: string; readonly flags: number; readonly options: string },
): number {
  const mount = libcFunction("mount", "int", ["str", "str", "str", "ulong", "str"]);
  const result = mount(device, folder, how.kind, how.flags, how.options);
  return result === 0 ? 0 : lastErrno();
}

function failed(device: string, folder: string, errno: number): SystemCallError {
  return new SystemCallError(`mount "${device}" on "${folder}"`, errno);
}
