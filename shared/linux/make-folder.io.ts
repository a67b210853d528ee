/** Makes folders, and tells why one cannot be made. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../core/errors.ts";

/**
 * Makes a folder and those above it. Node.js says "not there" for what the system refuses for
 * another reason, such as a read-only file system: here the error has the system's own code. What
 * is there and no folder is ENOTDIR, whether it is the last name of the path or one before.
 *
 * @param mode - Of the folders that are made.
 * @returns False if it was there.
 * @throws A system error.
 */
export function makeFolder(folder: string, mode?: number): boolean {
  try {
    return mkdirSync(folder, { recursive: true, mode }) !== undefined;
  } catch (error) {
    if (codeOf(error) === "ENOENT") makeOne(folder, mode);
    if (error instanceof Error && codeOf(error) === "EEXIST") {
      throw Object.assign(error, { code: "ENOTDIR" });
    }
    throw error;
  }
}

/** Makes the folder, or the first above it that is missing, and throws what the system says. */
function makeOne(folder: string, mode: number | undefined): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || dirname(folder) === folder) throw error;
    makeOne(dirname(folder), mode);
  }
}
