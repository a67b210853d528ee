/** What the system says of the store's folder, as an operator's situation with its cure. */
import { codeOf, messageOf, SituationError } from "../../shared/core/errors.ts";

/**
 * Explains why a folder cannot be used as a store.
 *
 * @param folder - As configured.
 * @param error - What the system said.
 * @returns A {@link SituationError} `bad_store`; what is no such situation comes back as it is.
 */
export function readingFault(folder: string, error: unknown): unknown {
  const found = READING[codeOf(error) ?? ""];
  if (found === undefined) return error;
  return new SituationError("bad_store", `Cannot use "${folder}" as image store: ${found}`, {
    cure: "Name a folder that this user may use: `store:` in huck.yaml, --store of `huck image`.",
    cause: error,
  });
}

/**
 * Explains why an image cannot be written.
 *
 * @param folder - Of the store.
 * @param error - What the system said.
 * @returns A {@link SituationError} `store_full` or `store_unwritable`; what is no such situation
 *   comes back as it is.
 */
export function writingFault(folder: string, error: unknown): unknown {
  const code = codeOf(error) ?? "";
  const what = `Cannot write to the image store "${folder}"`;
  if (FULL.includes(code)) {
    return new SituationError("store_full", `${what}: no space is left`, {
      cure: "Free space there; what was trashed lies in its folder .trash until you remove it.",
      cause: error,
    });
  }
  if (!isForbidden(error)) return error;
  return new SituationError("store_unwritable", `${what}: ${messageOf(error)}`, {
    cure: "Make the folder writable for the user that huck runs as, or name another one.",
    cause: error,
  });
}

/**
 * Tells whether the system forbids this user to write.
 *
 * @param error - What the system said.
 * @returns True for missing rights and read-only file systems.
 */
export function isForbidden(error: unknown): boolean {
  return ["EACCES", "EPERM", "EROFS"].includes(codeOf(error) ?? "");
}

const READING: Readonly<Record<string, string>> = {
  EEXIST: "it is no folder",
  ENOTDIR: "it is no folder, or lies in none",
  EACCES: "the system forbids it",
  EPERM: "the system forbids it",
  EROFS: "it is missing, and the file system is read-only",
  ELOOP: "its symbolic links go in a circle",
  ENOENT: "a part of its path is missing",
  ENAMETOOLONG: "its path is too long",
};
const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];
