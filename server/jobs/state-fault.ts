/**
 * Turns what SQLite and the file system report about the state folder into errors for the operator,
 * with a cure. Most of them stop the server from starting.
 */
import { foundText } from "../../shared/core/errno.ts";
import { SituationError, codeOf } from "../../shared/core/errors.ts";

/** What stands against the work, and what the operator can do about it. */
type Meaning = readonly [code: string, cure: string];

/**
 * Explains why a part of the state folder cannot be used.
 *
 * @param what - What was being done, like `open the journal "/srv/huck/state/huck.db"`.
 * @returns A {@link SituationError} `state_unwritable`, `journal_busy` or `journal_damaged`, or
 *   `cause` itself if it is not the operator's.
 */
export function stateFault(what: string, cause: unknown): unknown {
  const meaning = meaningOf(cause);
  if (meaning === undefined) return cause;
  const [code, cure] = meaning;
  return new SituationError(code, `Cannot ${what}: ${foundText(cause)}`, { cure, cause });
}

function meaningOf(cause: unknown): Meaning | undefined {
  if (codeOf(cause) !== "ERR_SQLITE_ERROR")
    return FULL_CODES.includes(codeOf(cause) ?? "") ? FULL : undefined;
  const errcode = cause instanceof Error && "errcode" in cause ? Number(cause.errcode) : 0;
  return SQLITE[errcode & PRIMARY_MASK];
}

const FULL: Meaning = [
  "state_unwritable",
  "Make room on the disk that holds server.state; if there is room, see dmesg: the disk may fail.",
];
const FORBIDDEN: Meaning = [
  "state_unwritable",
  "Run huck as the user that owns server.state, or make that folder and its files writable for it.",
];
const DAMAGED: Meaning = [
  "journal_damaged",
  "Restore it from a backup, or move it away: running jobs are then forgotten.",
];
/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const SQLITE: Readonly<Record<number, Meaning>> = {
  3: FORBIDDEN, // SQLITE_PERM
  5: [
    "journal_busy",
    "Another huck serve uses it: stop that one, or name another server.state in huck.yaml.",
  ],
  8: FORBIDDEN, // SQLITE_READONLY
  10: FULL, // SQLITE_IOERR
  11: DAMAGED, // SQLITE_CORRUPT
  13: FULL, // SQLITE_FULL
  14: FORBIDDEN, // SQLITE_CANTOPEN
  26: DAMAGED, // SQLITE_NOTADB
};
/** An extended result code has the primary one in its low byte. */
const PRIMARY_MASK = 0xff;
const FULL_CODES = ["ENOSPC", "EDQUOT", "EFBIG", "EIO"];
