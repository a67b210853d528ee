/**
 * Locks on open files, by which a later program can tell a file that is being written from one that
 * a killed program left behind: the kernel drops the lock with the program (flock(2)).
 */
import { lastErrno, libcFunction, libcProblem } from "./libc.io.ts";

/**
 * `locked`: ours until the file is closed; `held`: another program has it; `unknown`: this system
 * or file system has no locks.
 */
export type LockAnswer = "locked" | "held" | "unknown";

/** Tries to lock a file for its writer. Never waits. */
export function lockFile(fd: number): LockAnswer {
  if (libcProblem() !== undefined) return "unknown";
  flockFunction ??= libcFunction("flock", "int", ["int", "int"]);
  if (flockFunction(fd, LOCK_EXCLUSIVE | LOCK_NOT_WAITING) === 0) return "locked";
  return lastErrno() === EWOULDBLOCK ? "held" : "unknown";
}

let flockFunction: ReturnType<typeof libcFunction> | undefined;
const LOCK_EXCLUSIVE = 2;
const LOCK_NOT_WAITING = 4;
const EWOULDBLOCK = 11;
