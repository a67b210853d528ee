/** Makes the names in a folder durable: a new name survives a crash only then (fsync(2)). */
import { closeSync, constants, fsyncSync, openSync } from "node:fs";
import { codeOf } from "../core/errors.ts";

/**
 * Syncs a folder. File systems that cannot sync one are passed over.
 *
 * @throws A system error if its device fails.
 */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!CANNOT.includes(codeOf(error) ?? "")) throw error;
  } finally {
    closeSync(fd);
  }
}

const CANNOT: readonly string[] = ["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];
