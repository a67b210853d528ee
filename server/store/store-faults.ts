/** Turns system errors about the store's folder into errors for the operator, with a cure. */
import { foundText, isErrno } from "../../shared/core/errno.ts";
import { codeOf, SituationError } from "../../shared/core/errors.ts";

/**
 * Explains why a folder cannot be used as a store.
 *
 * @returns A {@link SituationError} `bad_store`, or `error` itself if it is no system error.
 */
export function readingFault(folder: string, error: unknown): unknown {
  if (!isOfSystem(error)) return error;
  const found = READING[codeOf(error) ?? ""] ?? foundText(error);
  return new SituationError("bad_store", `Cannot use "${folder}" as image store: ${found}`, {
    cure: "Name a folder that this user may use: `store:` in huck.yaml, --store of `huck image`.",
    cause: error,
  });
}

/**
 * Explains why an image cannot be written to the store in a folder.
 *
 * @returns A {@link SituationError} `store_full`, `store_unwritable` or `store_failed`, or `error`
 *   itself if it is no system error.
 */
export function writingFault(folder: string, error: unknown): unknown {
  if (!isOfSystem(error)) return error;
  const code = codeOf(error) ?? "";
  const what = `Cannot write to the image store "${folder}"`;
  if (FULL.includes(code)) {
    return new SituationError("store_full", `${what}: no space is left`, {
      cure: "Free space there; what was trashed lies in its folder .trash until you remove it.",
      cause: error,
    });
  }
  if (FAILED.includes(code)) {
    return new SituationError("store_failed", `${what}: its device failed (${code})`, {
      cure: "See dmesg on the computer that has the store: its disk or file server is failing.",
      cause: error,
    });
  }
  return new SituationError("store_unwritable", `${what}: ${foundText(error)}`, {
    cure: "Make the folder writable for the user that huck runs as, or name another one.",
    cause: error,
  });
}

/** An errno, and not an error of ours or of Node.js. */
function isOfSystem(error: unknown): boolean {
  return isErrno(codeOf(error) ?? "");
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
const FAILED = ["EIO", "EREMOTEIO", "ENXIO", "ENODEV", "ESTALE", "ETIMEDOUT"];

/** The error for a name or path that now leads to another file than before. */
export function replacedImage(what: string): SituationError {
  return new SituationError(
    "no_such_image",
    `Cannot open image "${what}": another file has taken its place`,
    { cure: "Run the command again; it then uses the new file from the beginning." },
  );
}
