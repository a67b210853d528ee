/**
 * The state folder: who may read and write what the server keeps there.
 *
 * The journal names operators and nodes, and its records are believed as they are, so its files are
 * for their owner only, like the order key. An admin may have made the folder, with other things in
 * it: we change our own files and leave the folder as it is.
 */
import {
  closeSync,
  constants,
  chmodSync,
  fstatSync,
  openSync,
  readdirSync,
  statSync,
} from "node:fs";
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
  const files = readdirSync(folder).filter((entry) => JOURNAL_FILES.includes(entry));
  const notes = files.flatMap((entry) => closeToOthers(path.join(folder, entry)));
  if ((statSync(folder).mode & WRITTEN_BY_OTHERS) === 0) return notes;
  const open = `others may write to the state folder "${folder}"`;
  return [...notes, `${open}, and so put another order key there: chmod 700 it`];
}

/**
 * Changes only a file of our own with one name: if others may write to the folder, such a name may
 * lead anywhere. The file is not opened for reading, because closing it would then release the
 * locks by which SQLite keeps other servers out (fcntl(2), "record locks").
 *
 * @returns A sentence for the admin if it is another file that others may read.
 */
function closeToOthers(file: string): readonly string[] {
  let fd: number;
  try {
    fd = openSync(file, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return []; // SQLite has just removed it
    throw error;
  }
  try {
    const { mode, uid, nlink } = fstatSync(fd);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
      return [`"${file}" is not a file of huck's journal: remove it`];
    }
    if ((mode & OTHERS) === 0) return [];
    if (nlink !== 1 || uid !== process.geteuid?.()) {
      return [`others than its owner may read "${file}": chmod 600 it`];
    }
    chmodSync(`/proc/self/fd/${fd}`, mode & ~OTHERS & 0o777);
    return [];
  } finally {
    closeSync(fd);
  }
}

const JOURNAL_FILES: readonly string[] = ["", "-wal", "-shm", "-journal"].map(
  (end) => `${JOURNAL_FILE}${end}`,
);
/** Names a file without opening it (open(2)); Node.js does not tell its number. */
const O_PATH = 0o10_000_000;
const OTHERS = 0o077;
const WRITTEN_BY_OTHERS = 0o022;
