/**
 * The state folder: who may read and write what the server keeps there.
 *
 * The journal names operators and nodes, and its records are believed as they are, so its files are
 * for their owner only, like the order key. An admin may have made the folder, with other things in
 * it: we change our own files and leave the folder as it is.
 */
import { chmodSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../../shared/core/errors.ts";
import { makeFolder } from "../../shared/linux/make-folder.io.ts";

/** The journal; SQLite keeps files beside it, whose names begin with its name. */
export const JOURNAL_FILE = "huck.db";

/**
 * Makes the folder if it is missing, and takes from others what they may do with files of the
 * journal that an earlier version made.
 *
 * @returns What the admin should change, one sentence each.
 * @throws A system error.
 */
export function openStateFolder(folder: string): readonly string[] {
  makeFolder(folder, 0o700);
  const files = readdirSync(folder).filter((entry) => JOURNAL_FILES.test(entry));
  const notes = files.flatMap((entry) => closeToOthers(path.join(folder, entry)));
  if ((statSync(folder).mode & WRITTEN_BY_OTHERS) === 0) return notes;
  const open = `others may write to the state folder "${folder}"`;
  return [...notes, `${open}, and so put another order key there: chmod 700 it`];
}

/** @returns A sentence for the admin if only the file's owner, another user, can do it. */
function closeToOthers(file: string): readonly string[] {
  const { mode = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
  if ((mode & OTHERS) === 0) return [];
  try {
    chmodSync(file, mode & ~OTHERS & 0o777);
    return [];
  } catch (error) {
    if (codeOf(error) === "ENOENT") return []; // SQLite has just removed it
    return [`others than its owner may read "${file}": chmod 600 it`];
  }
}

const JOURNAL_FILES = /^huck\.db(-wal|-shm|-journal)?$/;
const OTHERS = 0o077;
const WRITTEN_BY_OTHERS = 0o022;
