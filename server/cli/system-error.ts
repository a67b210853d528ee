/**
 * Explains system errors to the operator: a full disk or a missing right is not our bug, so it gets
 * a message and a cure, never a stack trace.
 */
import { ExitCode, SituationError, codeOf, messageOf } from "../../shared/core/errors.ts";

/** What an error code means, and what the operator can do about it. */
type Meaning = readonly [found: string, cure: string];

const CODES: Readonly<Record<string, Meaning>> = {
  EACCES: ["the system forbids it", "Run as root, or as a user who may do that."],
  EPERM: ["the system forbids it", "Run as root, or as a user who may do that."],
  ENOENT: ["it is not there", "Check the path, and make the folders in it."],
  ENOTDIR: ["a part of the path is no folder", "Check the path: a file stands in its way."],
  EISDIR: ["it is a folder", "Name a file."],
  ELOOP: ["its symbolic links lead in a circle", "Name the file itself, or mend the links."],
  ENAMETOOLONG: ["the name is too long", "Choose a shorter name."],
  EEXIST: ["it is there already", "Choose another name, or remove it first."],
  EROFS: ["the file system is read-only", "Mount it writable, or choose another place."],
  EBUSY: ["something uses it", "Unmount it, or end the program that uses it."],
  ENXIO: ["there is no device behind it", "Check that the disk is connected."],
  EMFILE: ["too many files are open", "Raise the limit: ulimit -n 4096."],
  EADDRINUSE: ["another program has the address", "End it, or choose another port."],
  EADDRNOTAVAIL: ["this computer lacks the address", "Check the address and interface."],
  ENOSPC: ["no space is left", "Make room there, or choose another place."],
  EDQUOT: ["the quota is used up", "Make room there, or choose another place."],
  EFBIG: ["the file system takes no file so large", "Choose a place on another file system."],
  EIO: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  ENODEV: ["the device is gone", "Check that the disk is connected."],
  ENOMEM: ["no memory is left", "End other programs, or add memory."],
};

/** System calls that name or open something, before it is touched (promise P15). */
const OPENING: ReadonlySet<string> = new Set(
  "access bind listen lstat mkdir open readlink realpath rename scandir stat".split(" "),
);

/** Words for system calls whose names are not English. */
const WORKS: Readonly<Record<string, string>> = {
  mkdir: "make the folder",
  scandir: "list",
  ftruncate: "give a size to",
  fsync: "flush",
  unlink: "remove",
  stat: "look at",
  lstat: "look at",
};

/**
 * Explains why something that an option or argument names cannot be opened.
 *
 * @param code - Of the result.
 * @param thrown - What opening it threw; its message is kept.
 * @param cure - In the words of the verb's options.
 */
export function openFailure(code: string, thrown: unknown, cure: string): SituationError {
  return new SituationError(code, messageOf(situationOf(thrown) ?? thrown), {
    cure,
    cause: thrown,
  });
}

/**
 * Explains whatever reached the end of a verb.
 *
 * @returns The situation, with exit code refused or unknown; undefined if it is not a system error
 *   that we can explain.
 */
export function situationOf(thrown: unknown): SituationError | undefined {
  if (!(thrown instanceof Error) || !("syscall" in thrown)) return undefined;
  const code = codeOf(thrown) ?? "";
  const known = CODES[code];
  if (known === undefined) return undefined;
  const path = "path" in thrown && typeof thrown.path === "string" ? ` "${thrown.path}"` : "";
  const [found, cure] = known;
  const syscall = String(thrown.syscall);
  const work = WORKS[syscall] ?? syscall;
  const named = path === "" ? messageOf(thrown) : code;
  return new SituationError(code.toLowerCase(), `Cannot ${work}${path}: ${found} (${named})`, {
    cure,
    exitCode: OPENING.has(syscall) ? ExitCode.refused : ExitCode.unknown,
    cause: thrown,
  });
}
