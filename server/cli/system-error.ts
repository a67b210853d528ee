/**
 * Explains errors that end a verb to the operator: a full disk or a missing right is not our bug,
 * so it gets a message, a cure and a true exit code, never a stack trace.
 */
import {
  ExitCode,
  FormatError,
  HuckError,
  SituationError,
  codeOf,
  messageOf,
} from "../../shared/core/errors.ts";

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
  ENOTEMPTY: ["the folder is not empty", "Choose another name, or empty the folder."],
  EROFS: ["the file system is read-only", "Mount it writable, or choose another place."],
  EBUSY: ["something uses it", "Unmount it, or end the program that uses it."],
  ETXTBSY: ["a running program is in it", "End the program, or choose another file."],
  ENXIO: ["there is no device behind it", "Check that the disk is connected."],
  EMFILE: ["too many files are open", "Raise the limit: ulimit -n 4096."],
  ENFILE: ["too many files are open on this computer", "End other programs."],
  EADDRINUSE: ["another program has the address", "End it, or choose another port."],
  EADDRNOTAVAIL: ["this computer lacks the address", "Check the address and interface."],
  ENETUNREACH: ["no route leads there", "Name the network's interface, or add a route."],
  EHOSTUNREACH: ["no route leads there", "Name the network's interface, or add a route."],
  ENETDOWN: ["the network is down", "Switch the interface on: ip link set NAME up."],
  ECONNREFUSED: ["nobody listens there", "Start the program that should listen there."],
  ENOSPC: ["no space is left", "Make room there, or choose another place."],
  EDQUOT: ["the quota is used up", "Make room there, or choose another place."],
  EFBIG: ["the file system takes no file so large", "Choose a place on another file system."],
  EIO: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  EREMOTEIO: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  ENODATA: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  EILSEQ: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  ENOMEDIUM: ["there is no medium in the drive", "Insert one, or name another disk."],
  ESTALE: ["the file server has lost it", "Mount the file system again."],
  ETIMEDOUT: ["there was no answer in time", "Check the device, or the network to it."],
  ENODEV: ["the device is gone", "Check that the disk is connected."],
  ENOMEM: ["no memory is left", "End other programs, or add memory."],
  EINVAL: ["the system cannot do that there", "Choose a file or disk of another kind."],
  ENOTSUP: ["the system cannot do that there", "Choose a file or disk of another kind."],
  EOPNOTSUPP: ["the system cannot do that there", "Choose a file or disk of another kind."],
};

/** For codes that are not in the list: whatever the system says is the operator's to change. */
const OTHER: Meaning = [
  "the system refuses it",
  "See `man errno` for the code, and dmesg for what the kernel says of it.",
];

/** System calls that name or open something, before it is touched (promise P15). */
const OPENING: ReadonlySet<string> = new Set(
  "access bind listen lstat mkdir mkdtemp open readlink realpath rename scandir stat".split(" "),
);

/** Words for system calls whose names are not English. */
const WORKS: Readonly<Record<string, string>> = {
  mkdir: "make the folder",
  mkdtemp: "make a folder like",
  scandir: "list",
  ftruncate: "give a size to",
  fsync: "flush",
  unlink: "remove",
  stat: "look at",
  lstat: "look at",
};

/** How an errno is named. */
const ERRNO = /^E[A-Z0-9]{2,}$/;

/**
 * Explains why something that an option or argument names cannot be opened.
 *
 * @param code - Of the result.
 * @param thrown - What opening it threw; its message is kept.
 * @param cure - In the words of the verb's options.
 */
export function openFailure(code: string, thrown: unknown, cure: string): SituationError {
  if (thrown instanceof SituationError) return thrown;
  return new SituationError(code, messageOf(situationOf(thrown) ?? thrown), {
    cure,
    cause: thrown,
  });
}

/**
 * Explains whatever reached the end of a verb.
 *
 * @returns The situation; undefined if only a bug of ours explains it.
 */
export function situationOf(thrown: unknown): SituationError | undefined {
  if (thrown instanceof SituationError) return thrown;
  if (!(thrown instanceof Error)) return undefined;
  const code = codeOf(thrown) ?? "";
  if (thrown instanceof HuckError && !ERRNO.test(code)) {
    return new SituationError(code, thrown.message, {
      cure: thrown instanceof FormatError ? FORMAT_CURE : OTHER_CURE,
      cause: thrown,
    });
  }
  if (!ERRNO.test(code)) return undefined;
  const [found, cure] = CODES[code] ?? OTHER;
  if (thrown instanceof HuckError) {
    const exitCode = ExitCode.unknown;
    const message = thrown.message.replace(`the kernel answers ${code}`, `${found} (${code})`);
    return new SituationError(code.toLowerCase(), message, { cure, exitCode, cause: thrown });
  }
  if (!("syscall" in thrown)) return undefined;
  const path = "path" in thrown && typeof thrown.path === "string" ? ` "${thrown.path}"` : "";
  const syscall = String(thrown.syscall);
  const work = WORKS[syscall] ?? syscall;
  const named = path === "" ? messageOf(thrown) : code;
  return new SituationError(code.toLowerCase(), `Cannot ${work}${path}: ${found} (${named})`, {
    cure,
    exitCode: OPENING.has(syscall) ? ExitCode.refused : ExitCode.unknown,
    cause: thrown,
  });
}

/** What became of the thing that a verb was writing or making when an error ended it. */
export interface Remainder {
  /** A sentence without a period: `"sda" is incomplete and does not boot`. */
  readonly state: string;
  /** What to do then. */
  readonly cure: string;
}

/**
 * Makes the exit code true once work was begun: no way out says "refused" any more (promise P15).
 *
 * @param thrown - What ended the work. An abort by the operator stays one, and says what remains.
 */
export function endOfBegunWork(thrown: unknown, { state, cure }: Remainder): SituationError {
  const situation = situationOf(thrown);
  const aborted = situation?.exitCode === ExitCode.aborted;
  const found = situation ?? { code: "bug", message: messageOf(thrown), cure: "" };
  const cures = aborted || found.cure === "" ? [cure] : [ended(found.cure), cure];
  return new SituationError(found.code, `${found.message}; ${state}`, {
    cure: cures.map(ended).join(" "),
    exitCode: aborted ? ExitCode.aborted : ExitCode.someNodeNotRight,
    cause: thrown,
  });
}

/**
 * The error of a verb that has touched nothing yet: whatever the system says, that much is known,
 * so it is a refusal (promise P15).
 */
export function endOfUntouched(thrown: unknown): unknown {
  const situation = situationOf(thrown);
  if (situation?.exitCode !== ExitCode.unknown) return thrown;
  const { code, message, cure } = situation;
  return new SituationError(code, message, { cure, cause: thrown });
}

/**
 * Gives an error about an image the path of its file, and a cure. Other errors stay as they are.
 *
 * @param path - As the operator would type it.
 */
export function imageFailure(path: string, thrown: unknown): unknown {
  if (!(thrown instanceof FormatError)) return thrown;
  const { message } = thrown;
  const named = message.includes(`"${path}"`)
    ? message
    : message.replace(/^Cannot (?:(\w+) image: |\w+ |)/, (_, work: string | undefined) => {
        return `Cannot ${work ?? "use"} image "${path}": `;
      });
  const cure = thrown.code === "not_an_image" ? NOT_AN_IMAGE_CURE : DAMAGED_CURE;
  return new SituationError(thrown.code, named, { cure, cause: thrown });
}

/** What an error says was found, in words: "it is not there (ENOENT)". */
export function foundText(thrown: unknown): string {
  const code = codeOf(thrown) ?? "";
  return ERRNO.test(code) ? `${(CODES[code] ?? OTHER)[0]} (${code})` : messageOf(thrown);
}

/** Does something with an open file. A system error then names the file, if it names none. */
export function withPath<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw nameIt(thrown, path);
  }
}

/** Adds a path to a system error that has none, and gives the error back. */
export function nameIt(thrown: unknown, path: string): unknown {
  const isUnnamed = thrown instanceof Error && "syscall" in thrown && !("path" in thrown);
  return isUnnamed ? Object.assign(thrown, { path }) : thrown;
}

function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

const FORMAT_CURE = "Its bytes are not as they were written: take another copy of it.";
const OTHER_CURE = "Change what the message names, and run the command again.";
const NOT_AN_IMAGE_CURE = "Name a file that `huck image save` made; `huck image files` lists them.";
const DAMAGED_CURE =
  "Copy the file again from where it is whole, or save the disk again; `huck image verify` " +
  "names what is damaged.";
